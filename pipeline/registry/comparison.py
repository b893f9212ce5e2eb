"""Two models side by side: quality on one snapshot, what differs, and who moves."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from components.account_scorer.champion import MUST_AGREE
from components.registry.artifact_names import saved_model_path
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import ModelProperties
from pipeline.registry.lineage import has_split, trained_from
from pipeline.registry.listing import find_model
from pipeline.registry.registry import Artifact, Registry

_DATA: Final = (
    "as_of",
    "label_source",
    "lookback_days",
    "horizon_days",
    "max_events",
    "duplicate_events",
    "feedback_rows",
    "train_cutoffs",
    "train_examples",
    "train_churned",
    "eval_cutoffs",
    "eval_examples",
    "eval_churned",
    "code_version",
    "packages",
)
ABSENT: Final = "-"


@dataclass(frozen=True)
class MetricPair:
    """A metric of both models, the difference b - a, and its paired 95 % interval."""

    name: str
    a: float
    b: float
    difference: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class SlicePair:
    """Both models on a slice of one snapshot.

    Attributes:
        name: As the gate names it.
        accounts: Its size.
        churned: Of them, how many churned.
        too_little: Why nothing is said of it; empty if there are enough data.
        a: AUC of the one; None where nothing is said, as are the next three.
        b: Of the other.
        difference: b - a.
        interval: Its paired 95 % interval.
    """

    name: str
    accounts: int
    churned: int
    too_little: str = ""
    a: float | None = None
    b: float | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Moved:
    """An account, its probability of churn under either model, and what became of it."""

    account_id: str
    a: float
    b: float
    category_a: str
    category_b: str
    churned: bool


@dataclass(frozen=True)
class SameSnapshot:
    """Both models on one evaluation snapshot.

    Attributes:
        version: The model of whose run it is.
        cutoff: ISO 8601 UTC.
        accounts: Snapshots in it.
        churned: Of them, how many churned.
        metrics: Side by side.
        calls_for_half: How many accounts, the highest scores first, a and b must call to reach
            half of those that churned; None where nobody did.
        slices: Both by slice.
        moved: The accounts that move most, the furthest first.
    """

    version: str
    cutoff: str
    accounts: int
    churned: int
    metrics: tuple[MetricPair, ...]
    calls_for_half: tuple[int, int] | None
    slices: tuple[SlicePair, ...]
    moved: tuple[Moved, ...]


@dataclass(frozen=True)
class Comparison:
    """Two models side by side.

    Attributes:
        a: Version of the one.
        b: Version of the other.
        snapshot: Both on one snapshot; None if they cannot be compared so.
        not_compared: Why not; empty if they were.
        data: What they learnt from and with, where it differs: name, a, b.
        settings: Settings of their runs that differ: name, a, b.
    """

    a: str
    b: str
    snapshot: SameSnapshot | None
    not_compared: str
    data: tuple[tuple[str, Any, Any], ...]
    settings: tuple[tuple[str, Any, Any], ...]

    def as_json(self) -> dict[str, Any]:
        """Returns plain values; differences as objects of name, a and b."""
        found = asdict(self)
        for part in ("data", "settings"):
            found[part] = [dict(zip(("name", "a", "b"), one, strict=True)) for one in found[part]]
        return found


def compare_models(registry: Registry, version_a: str, version_b: str, top: int) -> Comparison:
    """Compares two models.

    Both are judged on the evaluation snapshot of the one whose evaluation cutoff is the
    newest: no label window of either's training reaches into that one's.

    Args:
        registry: Where they are recorded.
        version_a: The one.
        version_b: The other.
        top: How many accounts that move most to return.

    Raises:
        UnknownModel: No model has that version; names the nearest.
        RegistryInconsistent: Two models have one version.
    """
    a, b = find_model(registry, version_a), find_model(registry, version_b)
    newer = max(a, b, key=lambda one: (one.properties.eval_cutoffs, one.artifact_id))
    _, examples = trained_from(registry, newer)
    obstacle = _obstacle(a, b, newer, examples)
    snapshot = None
    if not obstacle and examples is not None:
        from pipeline.registry.same_snapshot import judge_on

        snapshot = judge_on(
            examples.uri,
            (saved_model_path(a.uri), saved_model_path(b.uri)),
            version=newer.properties.model_version,
            cutoff=newer.properties.eval_cutoffs,
            lookback_days=examples.properties.lookback_days,
            top=top,
        )
    return Comparison(
        a=version_a,
        b=version_b,
        snapshot=snapshot,
        not_compared=obstacle,
        data=tuple(_differences(a.properties.as_json(), b.properties.as_json(), _DATA)),
        settings=tuple(_settings(a.properties.settings or {}, b.properties.settings or {})),
    )


def _obstacle(
    a: Artifact[ModelProperties],
    b: Artifact[ModelProperties],
    newer: Artifact[ModelProperties],
    examples: Artifact[ExamplesProperties] | None,
) -> str:
    """Returns why two models cannot be judged on one snapshot; empty if they can."""
    unlike = [
        f"{name} is {getattr(a.properties, name)} and {getattr(b.properties, name)}"
        for name in MUST_AGREE
        if getattr(a.properties, name) != getattr(b.properties, name)
    ]
    if unlike:
        return (
            f"They learnt from snapshots that are cut differently ({', '.join(unlike)}), so no "
            "snapshot is fair to both. What follows is what ML Metadata says of them."
        )
    for model in (a, b):
        path = saved_model_path(model.uri)
        if not Path(path).is_dir():
            version = model.properties.model_version
            return f"The files of model {version} are gone: {path} does not exist."
    if examples is None or not has_split(examples, "eval"):
        where = f": {examples.uri}/Split-eval does not exist or is empty" if examples else ""
        return (
            f"The files of the evaluation snapshot of {newer.properties.model_version} are gone"
            f"{where}. Train again to compare with a new model."
        )
    return ""


def _settings(a: dict[str, Any], b: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    if a and b:
        yield from _differences(a, b, sorted(a.keys() | b.keys()))


def _differences(
    a: dict[str, Any], b: dict[str, Any], names: tuple[str, ...] | list[str]
) -> Iterator[tuple[str, Any, Any]]:
    for name in names:
        if a.get(name, ABSENT) != b.get(name, ABSENT):
            yield name, a.get(name, ABSENT), b.get(name, ABSENT)
