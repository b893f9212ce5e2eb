"""The models that are asked beside the champion: in shadow, or for a share of the accounts.

None of them can harm a run. A model in shadow that cannot be loaded, or that answers with what is
no probability, is left out and told; the accounts of a second model of a split go to the champion.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tfx import types
from tfx.utils import path_utils

from components.account_scorer.champion import differing_cut
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
            except Exception as error:  # whatever its files hold: the champion is asked
                notes.append(f"{_named(artifact, role)} was not asked in shadow: {told(error)}")
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


def told(error: Exception) -> str:
    """Returns what is told of an error that ends no run: one line, not too long."""
    text = " ".join(str(error).split())[:_MOST_TOLD]
    return text if isinstance(error, TensInsightError) else f"{type(error).__name__}: {text}"


def _shadow(artifact: types.Artifact, role: str, data: ExamplesProperties) -> Shadow:
    scorer = sound_scorer(artifact)
    if differing := differing_cut(ModelProperties.from_plain(scorer.card), data):
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
        if differing := differing_cut(ModelProperties.from_plain(scorer.card), data):
            raise NothingToPublish(f"it does not fit the present settings: {differing}")
        require_alike(champion, scorer)
    except Exception as error:  # whatever its files hold: one model alone is enough
        notes.append(f"{said} {split.b} cannot: {told(error)}")
        return "", None
    return path_utils.serving_model_path(seconds[0].uri), split


def split_of(transition: StageTransition) -> Split:
    """Returns the split that somebody decided."""
    return Split(
        transition.number, transition.version, transition.other, transition.share, transition.salt
    )


def require_alike(champion: ModelScorer, second: ModelScorer) -> None:
    """Refuses a second model whose rows would have other columns than the champion's.

    Raises:
        NothingToPublish: Says which.
    """
    for name in (_SAME_HORIZONS, REASON_GROUPS):
        one, other = champion.card.get(name), second.card.get(name)
        if one != other:
            raise NothingToPublish(
                f"{name} of the models are {one} and {other}, expected the same."
            )
