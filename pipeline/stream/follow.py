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
from components.publishing.split import Split
from components.registry.model_properties import BlessingProperties, ModelProperties
from components.streaming.champion import StreamChampion
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
_Ask = Callable[[Sequence[bytes]], pa.Table]
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
    _key: tuple[str | None, Split | None] = (None, None)
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
        decided = _decided(registry)
        key = (found.properties.model_version, decided[0] if decided else None)
        if self._loaded is None or self._key != key:
            blessing = registry.blessings().get(found.artifact_id)
            judged = blessing.properties if blessing is not None else None
            self._loaded, self._key = load(found, judged, self.settings, decided), key
            _log.info("The champion is %s.", found.properties.model_version)
        return self._loaded

    def _is_due(self) -> bool:
        """Tells whether to look: not while a run works, which reading the registry holds up."""
        if self.clock() - self._looked_at < _LOOK_S:
            return False
        runs = RunRecords(self.settings.runs_dir).newest(_AT_WORK)
        return not any(run.at_work for run in runs)


def _decided(registry: Registry) -> tuple[Split, Artifact[ModelProperties]] | None:
    """Returns the split that lasts and its second model; None where one model scores all."""
    from components.account_scorer.beside import split_of
    from components.registry.rule import second_of_split
    from components.registry.stages import stages_after

    transitions = registry.transitions()
    second = second_of_split(registry.judged(), transitions)
    lasting = stages_after(transitions).split
    if second is None or lasting is None:
        return None
    model = next((one for one in registry.models() if one.artifact_id == second.model_id), None)
    return (split_of(lasting), model) if model is not None else None


def load(
    model: Artifact[ModelProperties],
    judged: BlessingProperties | None,
    settings: Settings,
    decided: tuple[Split, Artifact[ModelProperties]] | None = None,
) -> StreamChampion:
    """Loads a model, once its files have the hash that was recorded when it was exported.

    Args:
        model: The champion.
        judged: What the gate said of it.
        settings: That it must fit.
        decided: The split that lasts, and its second model. Where that cannot be asked, the first
            one scores without it; accounts that the newest run gave the second one are left out.

    Raises:
        NothingToPublish: It does not fit the settings.
        StateUnusable: Its files are gone or damaged.
    """
    from serving_model.served.predict import forget_models

    forget_models()  # the former champion
    scorer = load_model(model, settings)
    with_reasons = settings.scoring.reasons != "none"
    split, second = _second(scorer, decided, settings)
    return StreamChampion(
        model_version=str(scorer.card["model_version"]),
        label_source=str(scorer.card["label_source"]),
        horizon_days=int(scorer.card["horizon_days"]),
        horizons=tuple(sorted(scorer.horizons)),
        horizons_judged=horizons_of(judged) if judged is not None else None,
        bands=bands_for(settings.scoring.bands, scorer.card),
        scored=_asking(scorer, with_reasons),
        split=split,
        second=second,
    )


def _second(
    champion: "ModelScorer",
    decided: tuple[Split, Artifact[ModelProperties]] | None,
    settings: Settings,
) -> tuple[Split | None, _Ask | None]:
    """Loads the second model of a split; neither where it cannot be asked, which is told."""
    from components.account_scorer.beside import require_alike, told

    if decided is None:
        return None, None
    split, model = decided
    try:
        scorer = load_model(model, settings)
        require_alike(champion, scorer)
        asked = _asking(scorer, settings.scoring.reasons != "none")
    except Exception as error:  # whatever its files hold: one model alone is enough
        _log.warning(
            "Split %s of %s and %s: accounts of %s wait for the next run: it cannot score: %s",
            *(split.number, split.a, split.b, split.b, told(error)),
        )
        return None, None
    return split, asked


def _asking(scorer: "ModelScorer", with_reasons: bool) -> _Ask:
    """Returns what asks a model about examples.

    It was asked once already: the first call takes longer, and no feedback waits for it.
    """
    import tensorflow as tf

    from components.account_scorer.scored_shard import scored_shard
    from serving_model.served.warmup import example_of_nobody

    def ask(examples: Sequence[bytes]) -> pa.Table:
        batch = tf.constant(list(examples), tf.string)
        return scored_shard(scorer, [batch], explained=1.0 if with_reasons else 0.0)

    ask([example_of_nobody()])
    return ask
