"""The champion of a process that lives for long: loaded again when it is another one."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from components.account_scorer.bands import bands_for
from components.account_scorer.champion import horizons_of
from components.errors import NothingToPublish, StateDirectoryBusy
from components.registry.model_properties import BlessingProperties, ModelProperties
from components.streaming.champion import StreamChampion, batches_of
from pipeline.registry.load_model import load_model
from pipeline.registry.next_step import next_step
from pipeline.registry.registry import Artifact, Registry
from pipeline.runs.record import RunRecords
from pipeline.settings import Settings

if TYPE_CHECKING:
    from serving_model.served.predict import ModelScorer

_LOOK_S: Final = 30.0
_AT_WORK: Final = 20
"""Newest runs of which one may be at work."""
_log = logging.getLogger(__name__)


@dataclass
class FollowedChampion:
    """Looks every half minute which model is the champion, and loads it if it is another one.

    Attributes:
        settings: Say where the registry is.
        clock: Seconds, which never go back.
    """

    settings: Settings
    clock: Callable[[], float] = time.monotonic
    _loaded: StreamChampion | None = None
    _looked_at: float = 0.0

    def __call__(self) -> StreamChampion:
        """Returns the champion.

        Raises:
            NothingToPublish: There is none, or it does not fit the settings.
            StateUnusable: Its files are gone or damaged.
        """
        if self._loaded is not None and not self._is_due():
            return self._loaded
        try:
            registry = Registry(self.settings.metadata_path)
            found = registry.champion()
        except StateDirectoryBusy:
            if self._loaded is None:
                raise
            return self._loaded  # a run has begun meanwhile: asked again at the next step
        if found is None:
            raise NothingToPublish(f"There is no champion to score with. {next_step(registry)}")
        self._looked_at = self.clock()
        version = found.properties.model_version
        if self._loaded is None or self._loaded.model_version != version:
            blessing = registry.blessings().get(found.artifact_id)
            judged = blessing.properties if blessing is not None else None
            self._loaded = load(found, judged, self.settings)
            _log.info("The champion is %s.", version)
        return self._loaded

    def _is_due(self) -> bool:
        """Tells whether to look: not while a run works, which reading the registry holds up."""
        if self.clock() - self._looked_at < _LOOK_S:
            return False
        runs = RunRecords(self.settings.runs_dir).newest(_AT_WORK)
        return not any(run.at_work for run in runs)


def load(
    model: Artifact[ModelProperties], judged: BlessingProperties | None, settings: Settings
) -> StreamChampion:
    """Loads a model, once its files have the hash that was recorded when it was exported.

    Raises:
        NothingToPublish: It does not fit the settings.
        StateUnusable: Its files are gone or damaged.
    """
    from serving_model.served.predict import forget_models

    forget_models()  # the former champion
    scorer = load_model(model, settings)
    return StreamChampion(
        model_version=str(scorer.card["model_version"]),
        label_source=str(scorer.card["label_source"]),
        horizon_days=int(scorer.card["horizon_days"]),
        horizons=tuple(sorted(scorer.horizons)),
        horizons_judged=horizons_of(judged) if judged is not None else None,
        bands=bands_for(settings.scoring.bands, scorer.card),
        scored=_asking(scorer, settings.scoring.reasons != "none"),
    )


def _asking(scorer: "ModelScorer", with_reasons: bool) -> Callable[[Sequence[bytes]], pa.Table]:
    """Returns what asks a model about examples, whatever their number, to the same last bit."""
    import tensorflow as tf

    from components.account_scorer.scored_shard import scored_shard

    def ask(examples: Sequence[bytes]) -> pa.Table:
        batches = [tf.constant(batch, tf.string) for batch in batches_of(examples)]
        table = scored_shard(scorer, batches, explained=1.0 if with_reasons else 0.0)
        return table.slice(0, len(examples)).combine_chunks()

    return ask
