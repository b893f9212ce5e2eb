"""The models that are asked beside the champion: in shadow, or for a share of the accounts.

None of them can harm a run. A model in shadow that cannot be loaded, or that answers with what is
no probability, is left out and told; the accounts of a second model of a split go to the champion.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import tensorflow as tf
from tfx import types
from tfx.utils import path_utils

from components.account_scorer.champion import unlike_settings
from components.errors import NothingToPublish, PublicationRefused, TensInsightError
from components.publishing.split import Split
from components.registry.input_properties import ExamplesProperties
from components.registry.judged import version_of
from components.registry.model_properties import ModelProperties
from components.registry.stages import StageTransition
from components.registry.strategy import SECOND, SHADOW_KEYS, SPLIT
from components.registry.transitions import transition_of
from components.sound_model import sound_scorer
from serving_model.reasons.explainer import REASON_GROUPS
from serving_model.served.predict import ModelScorer
from transforms.arrays import Floats
from transforms.event_spec import ACCOUNT_ID

_log = logging.getLogger(__name__)
_SAME_HORIZONS: Final = "churn_horizons"
_MOST_TOLD: Final = 400
"""Characters of an error that are told."""


class SecondModelBroken(PublicationRefused):
    """The second model of a split answers with what cannot be published."""


@dataclass(frozen=True)
class Shadow:
    """A model in shadow, as far as workers need to know it.

    Attributes:
        version: Of the model.
        role: Why it scores.
        uri: Folder of its SavedModel.
        horizons: Days that it answers for.
        horizon_days: Of its churn_probability.
    """

    version: str
    role: str
    uri: str
    horizons: tuple[int, ...]
    horizon_days: int


@dataclass(frozen=True)
class Beside:
    """What is asked beside the champion, as it is handed to workers.

    Attributes:
        shadows: Models in shadow.
        split: How two models share the accounts; None where the champion scores all.
        second_uri: Folder of the SavedModel of the split's second model.
    """

    shadows: tuple[Shadow, ...] = ()
    split: Split | None = None
    second_uri: str = ""


NOTHING: Final = Beside()


@dataclass(frozen=True)
class Found:
    """What is asked beside the champion, and what is told of what is not."""

    beside: Beside
    notes: tuple[str, ...] = ()


def find_beside(
    inputs: Mapping[str, Sequence[types.Artifact]],
    champion: ModelScorer,
    data: ExamplesProperties,
    most: int,
) -> Found:
    """Loads the models beside the champion, and leaves out those that cannot be asked.

    Args:
        inputs: Of AccountScorer.
        champion: The first of a split, where one lasts.
        data: What is to be scored.
        most: How many models score in shadow.
    """
    notes: list[str] = []
    second_uri, split = _second(inputs, champion, data, notes)
    shadows: list[Shadow] = []
    for key, role in SHADOW_KEYS.items():
        for artifact in (inputs.get(key) or [])[: max(0, most - len(shadows))]:
            try:
                shadows.append(_shadow(artifact, role, data))
            except (
                Exception
            ) as error:  # whatever its files hold: the champion's scores are published
                notes.append(f"{_named(artifact, role)} was not asked in shadow: {_told(error)}")
    for note in notes:
        _log.warning("%s", note)
    return Found(Beside(tuple(shadows), split, second_uri), tuple(notes))


def scored_beside(found: Found, score: Callable[[Beside], None]) -> Found:
    """Scores all accounts, and once more without the split where its second model is broken.

    Args:
        found: What is asked beside the champion.
        score: Writes the shards.

    Returns:
        What was asked in the end.
    """
    try:
        score(found.beside)
    except SecondModelBroken:
        split = found.beside.split
        assert split is not None
        note = (
            f"Split {split.number} of {split.a} and {split.b}: {split.a} scored all accounts, "
            f"since {split.b} answers with what cannot be published."
        )
        _log.warning("%s", note)
        alone = Beside(found.beside.shadows)
        score(alone)
        return Found(alone, (*found.notes, note))
    return found


def _named(artifact: types.Artifact, role: str) -> str:
    return f"Model {version_of(artifact.mlmd_artifact)} ({role})"


def _told(error: Exception) -> str:
    text = " ".join(str(error).split())[:_MOST_TOLD]
    return text if isinstance(error, TensInsightError) else f"{type(error).__name__}: {text}"


def _shadow(artifact: types.Artifact, role: str, data: ExamplesProperties) -> Shadow:
    scorer = sound_scorer(artifact)
    if differing := unlike_settings(ModelProperties.from_plain(scorer.card), data):
        raise NothingToPublish(f"it does not fit the present settings: {differing}")
    return Shadow(
        version=str(scorer.card["model_version"]),
        role=role,
        uri=path_utils.serving_model_path(artifact.uri),
        horizons=scorer.horizons,
        horizon_days=int(scorer.card["horizon_days"]),
    )


def _second(
    inputs: Mapping[str, Sequence[types.Artifact]],
    champion: ModelScorer,
    data: ExamplesProperties,
    notes: list[str],
) -> tuple[str, Split | None]:
    """Returns the second model of the split that lasts, and the split."""
    decided, seconds = inputs.get(SPLIT) or [], inputs.get(SECOND) or []
    if not decided:
        return "", None
    transition = transition_of(decided[0].mlmd_artifact)
    split = split_of(transition)
    scored_by = str(champion.card["model_version"])
    said = (
        f"Split {split.number} of {split.a} and {split.b}: {scored_by} scored all accounts, since"
    )
    if not seconds:
        other = split.b if scored_by == split.a else split.a
        notes.append(f"{said} {other} was withdrawn, or its files are damaged.")
        return "", None
    try:
        scorer = sound_scorer(seconds[0])
        if differing := unlike_settings(ModelProperties.from_plain(scorer.card), data):
            raise NothingToPublish(f"it does not fit the present settings: {differing}")
        _require_alike(champion, scorer)
    except Exception as error:  # whatever its files hold: one model alone is enough
        notes.append(f"{said} {split.b} cannot: {_told(error)}")
        return "", None
    return path_utils.serving_model_path(seconds[0].uri), split


def split_of(transition: StageTransition) -> Split:
    """Returns the split that somebody decided."""
    return Split(
        transition.number, transition.version, transition.other, transition.share, transition.salt
    )


def _require_alike(champion: ModelScorer, second: ModelScorer) -> None:
    """Refuses a second model whose rows would have other columns than the champion's."""
    for name in (_SAME_HORIZONS, REASON_GROUPS):
        one, other = champion.card.get(name), second.card.get(name)
        if one != other:
            raise NothingToPublish(
                f"{name} of the models are {one} and {other}, expected the same."
            )


@dataclass
class LoadedShadow:
    """A model in shadow while one shard is scored.

    Attributes:
        shadow: The model.
        parts: Its answers, [rows, horizons] each.
        problem: Why it is asked no more; empty while it is.
    """

    shadow: Shadow
    parts: list[Floats] = field(default_factory=list)
    problem: str = ""
    scorer: ModelScorer | None = None

    def ask(self, batches: list[tf.Tensor], scorer: ModelScorer | None = None) -> None:
        """Asks about more rows; what goes wrong is noted, and never raised.

        Args:
            batches: Serialized examples.
            scorer: Another model that is asked in its place.
        """
        if self.problem:
            return
        try:
            if scorer is None and self.scorer is None:
                self.scorer = ModelScorer(self.shadow.uri)
            asked = scorer or self.scorer
            assert asked is not None
            found = asked.score_batches(batches).horizon_probabilities
            if problem := _problem_of(found, len(self.shadow.horizons)):
                self.problem = problem
            else:
                self.parts.append(found)
        except Exception as error:  # whatever its graph does: the champion's scores are published
            self.problem = _told(error)

    def described(self) -> dict[str, Any]:
        """Returns what a shard says of it."""
        one = self.shadow
        return {  # of the other half of a split no version: it is the one that was not published
            "version": one.version,
            "role": one.role,
            "horizons": list(one.horizons),
            "horizon_days": one.horizon_days,
            "problem": self.problem,
        }


def _problem_of(found: Floats, horizons: int) -> str:
    if found.ndim != 2 or found.shape[1] != horizons:
        return f"it answers with a shape of {found.shape}, expected {horizons} horizons"
    wrong = ~((found >= 0) & (found <= 1)).all(axis=1)
    if wrong.any():
        return f"{int(wrong.sum())} of {len(found)} answers are no probabilities"
    return ""


def divided(batches: list[tf.Tensor], split: Split) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Divides serialized examples by the account: those of the first model, those of the second."""
    spec = {ACCOUNT_ID: tf.io.FixedLenFeature([], tf.string)}
    first: list[tf.Tensor] = []
    second: list[tf.Tensor] = []
    for batch in batches:
        ids = tf.io.parse_example(batch, spec)[ACCOUNT_ID].numpy()
        is_second = np.array([split.is_second(one.decode("utf-8")) for one in ids], dtype=bool)
        for rows, part in ((~is_second, first), (is_second, second)):
            if rows.any():
                part.append(tf.boolean_mask(batch, rows))
    return first, second


def shadows_text(shadows: Sequence[LoadedShadow]) -> str:
    """Returns what the metadata of a shard say of the models in shadow."""
    return json.dumps([one.described() for one in shadows])
