"""What old runs left behind, and what of it nothing needs any more."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from ml_metadata import errors

from components.model_gate.decision_file import FILE
from components.registry.artifact_names import (
    EXAMPLES,
    HYPERPARAMETERS,
    PUSHED_MODEL,
)
from components.registry.judged import GATE_NODE
from components.registry.model_properties import PushedModelProperties
from components.registry.rule import (
    champion,
    former_champion,
    publishable_since,
    shadowed,
)
from components.registry.stages import SIGNATURES, JudgedModel, stages_after
from pipeline.policy.facts import POLICY
from pipeline.registry.registry import Registry
from pipeline.setting_groups import PolicySettings

STATISTICS: Final = "ExampleStatistics"
CLEANED: Final = "its files were removed: `tens-insight clean`"
_SYSTEM: Final = ".system"
_COSTS: Final = ".node_costs"
_REVIEW_NODE: Final = "ModelReview"
_TRAINER: Final = "ModelTrainer"


@dataclass(frozen=True)
class Left:
    """What one node of a run left: pipeline_root/PIPELINE/NODE/KEY/EXECUTION.

    Attributes:
        path: The folder.
        pipeline: Of the run.
        node: That made it.
        execution_id: In ML Metadata.
        run_id: Of the run; empty where ML Metadata does not know it.
    """

    path: Path
    pipeline: str
    node: str
    execution_id: int
    run_id: str


@dataclass(frozen=True)
class Removal:
    """A file or folder that goes, and how large it is, in bytes."""

    path: Path
    what: str
    size: int


@dataclass(frozen=True)
class Plan:
    """What goes and what stays.

    Attributes:
        removals: In the order in which they go.
        withdrawals: Versions of models whose files go and that could still become champion.
        kept_runs: By the name of a run whose artifacts stay, why.
    """

    removals: Sequence[Removal] = ()
    withdrawals: Sequence[str] = ()
    kept_runs: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes that it frees."""
        return sum(one.size for one in self.removals)

    def by_kind(self) -> dict[str, tuple[int, int]]:
        """Returns by what goes: how many, and bytes."""
        found: dict[str, tuple[int, int]] = {}
        for one in self.removals:
            count, size = found.get(one.what, (0, 0))
            found[one.what] = (count + 1, size + one.size)
        return found


@dataclass(frozen=True)
class _Run:
    run_id: str
    pipeline: str
    started_at: datetime
    as_of: datetime


class Store:
    """What ML Metadata says of the runs whose artifacts are on the disk.

    Args:
        registry: To ask.
        root: Folder of all artifacts.
    """

    def __init__(self, registry: Registry, root: Path):
        self.registry = registry
        self.root = root
        self.metadata: Any = registry.store
        self.left: list[Left] = []
        self.runs: dict[str, _Run] = {}
        for path in _folders(root):
            pipeline, node = path.relative_to(root).parts[:2]
            run = self._run_of(int(path.name), pipeline)
            self.left.append(Left(path, pipeline, node, int(path.name), run))

    def _run_of(self, execution_id: int, pipeline: str) -> str:
        context = self.run_context(execution_id)
        if context is None:
            return ""
        if context.name not in self.runs:
            started = _moment(context.create_time_since_epoch)
            self.runs[context.name] = _Run(
                context.name, pipeline, started, self._as_of(context.id) or started
            )
        return str(context.name)

    def run_context(self, execution_id: int | None) -> Any | None:
        """Returns the run of an execution; None where ML Metadata knows none."""
        if execution_id is None:
            return None
        try:
            contexts = self.metadata.get_contexts_by_execution(execution_id)
        except errors.NotFoundError:
            return None
        return next((one for one in contexts if one.type == "pipeline_run"), None)

    def _as_of(self, context_id: int) -> datetime | None:
        for one in self.metadata.get_artifacts_by_context(context_id):
            text = one.custom_properties["as_of"].string_value if one.type == EXAMPLES else ""
            if text:
                return datetime.fromisoformat(text)
        return None

    def newest(self, type_name: str, under: str = "") -> Any | None:
        """Returns the newest live artifact of a type."""
        own = [one for one in self.registry.live(type_name) if under in one.uri]
        return max(own, key=_artifact_id, default=None)


def plan(
    registry: Registry,
    root: Path,
    logs: Path,
    settings: PolicySettings,
    *,
    now: datetime,
    published: Collection[str],
) -> Plan:
    """Says what may go.

    Args:
        registry: ML Metadata.
        root: Folder of all artifacts.
        logs: Folder of the log files.
        settings: How much is kept.
        now: UTC; the age of a run is that of the moment that it speaks of.
        published: Models of the publications that stand, or that an undo would bring back.
    """
    if registry.store is None:
        return Plan()
    store = Store(registry, root)
    models = _kept_models(registry, settings.keep_models, published)
    kept = _kept_runs(store, settings, now, models)
    single = _kept_folders(store)
    gone = [one for one in store.left if one.run_id not in kept and one.path not in single]
    removals = [
        *_artifacts(gone, _open_reviews(registry)),
        *_pushed(store, kept),
        *_costs(store, kept),
        *_logs(logs, settings),
    ]
    return Plan(removals, _withdrawals(registry, gone), kept)


def _kept_models(registry: Registry, newest: int, published: Collection[str]) -> dict[str, str]:
    """Returns the versions of models whose runs stay whole, and why."""
    judged, transitions = registry.judged(), registry.transitions()
    now = stages_after(transitions)
    blessed = sorted(
        (one for one in judged if publishable_since(one, now) is not None),
        key=lambda one: -one.model_id,
    )
    kept = {one.version: f"one of the newest {newest} blessed models" for one in blessed[:newest]}
    kept |= dict.fromkeys(published, "model of what is published")
    kept |= {one.version: "model in shadow" for one in shadowed(judged, transitions)[:1]}
    kept |= {one.version: "accepted model" for one in blessed if one.version in now.accepted}
    kept |= {one.version: "promoted model" for one in blessed if one.version in now.promoted}
    leader = champion(judged, transitions)
    if leader is not None:
        former = former_champion(judged, transitions)
        kept |= {former.version: "former champion"} if former else {}
        kept[leader.version] = "champion"
    if now.shadow is not None:
        kept[now.shadow.version] = "model in shadow"
    if now.split is not None:
        kept |= dict.fromkeys((now.split.version, now.split.other), "model of a split")
    if now.pin is not None:
        kept[now.pin.version] = "pinned model"
    return kept


def _kept_runs(
    store: Store, settings: PolicySettings, now: datetime, models: Mapping[str, str]
) -> dict[str, str]:
    """Returns the runs whose artifacts stay, and why."""
    kept = {}
    for pipeline in {one.pipeline for one in store.runs.values()}:
        own = [one for one in store.runs.values() if one.pipeline == pipeline]
        own.sort(key=lambda one: one.started_at, reverse=True)
        for place, run in enumerate(own):
            if place < settings.keep_runs:
                kept[run.run_id] = f"one of the newest {settings.keep_runs} of {pipeline}"
            elif run.as_of > now - timedelta(days=settings.keep_days):
                kept[run.run_id] = f"younger than {settings.keep_days} days"
    trained = {one.execution_id: one.run_id for one in store.left if one.node == _TRAINER}
    for model in store.registry.models():
        why = models.get(model.properties.model_version)
        run_id = trained.get(_execution_of(model.uri) or -1)
        if why and run_id:
            kept[run_id] = why
    return kept


def _kept_folders(store: Store) -> set[Path]:
    """Returns folders that stay although their run goes: what later runs take from the store."""
    found = [store.newest(HYPERPARAMETERS), store.newest(STATISTICS, "/tens-insight-train/")]
    return {Path(one.uri) for one in found if one is not None}


def _open_reviews(registry: Registry) -> set[Path]:
    """Returns the folders of evaluation reports that nobody signed, of models that are in use."""
    transitions = registry.transitions()
    closed = {one.version for one in transitions if one.kind in SIGNATURES}
    now = stages_after(transitions)
    withdrawn = {
        version for version, one in now.withdrawn.items() if not one.by.startswith(f"{POLICY} (")
    }
    blessed = {one.version for one in registry.judged() if publishable_since(one, now) is not None}
    return {
        Path(one.uri)
        for one in registry.reviews()
        if one.properties.model_version in blessed - closed - withdrawn
    }


def _artifacts(gone: Sequence[Left], reviews: Collection[Path]) -> Iterator[Removal]:
    """Yields what goes of the artifacts: all but decisions of the gate and open reviews."""
    for one in gone:
        if one.node == _REVIEW_NODE and one.path in reviews:
            continue
        if one.node == GATE_NODE and one.path.parent.name == "blessing":
            yield from (
                Removal(path, "artifacts", size_of(path))
                for path in sorted(one.path.iterdir())
                if path.name != FILE
            )
            continue
        yield Removal(one.path, "artifacts", size_of(one.path))


def _withdrawals(registry: Registry, gone: Sequence[Left]) -> list[str]:
    """Returns the models whose files go and that are not withdrawn."""
    paths = {one.path for one in gone if one.node == _TRAINER}
    versions = {one.properties.model_version for one in registry.models() if Path(one.uri) in paths}
    now = stages_after(registry.transitions())
    return [
        one.version
        for one in _oldest_first(registry.judged())
        if one.version in versions
        and publishable_since(one, now) is not None
        and one.version not in now.withdrawn
    ]


def _oldest_first(judged: Sequence[JudgedModel]) -> list[JudgedModel]:
    return sorted(judged, key=lambda one: one.model_id)


def _pushed(store: Store, kept: Collection[str]) -> Iterator[Removal]:
    """Yields the pushed copies of models whose runs go; the newest stays in any case."""
    found = {}
    for one in store.registry.live(PUSHED_MODEL):
        context = store.run_context(_execution_of(one.uri))
        said = PushedModelProperties.read_if_written(one)
        if said is not None and context is not None:
            found[Path(said.pushed_destination)] = str(context.name)
    there = sorted((path for path in found if path.is_dir()), key=lambda path: path.name)
    for path in there[:-1]:
        if found[path] not in kept:
            yield Removal(path, "pushed models", size_of(path))


def _costs(store: Store, kept: Collection[str]) -> Iterator[Removal]:
    for run in store.runs.values():
        path = store.root / run.pipeline / _COSTS / f"{run.run_id.replace(':', '')}.json"
        if run.run_id not in kept and path.is_file():
            yield Removal(path, "durations of nodes", size_of(path))


def _logs(folder: Path, settings: PolicySettings) -> Iterator[Removal]:
    """Yields log files that are old and not among the newest of their kind."""
    oldest = datetime.now(timezone.utc) - timedelta(days=settings.keep_days)
    kinds: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*-*.log"), reverse=True):
        kinds.setdefault(path.name.partition("-")[0], []).append(path)
    for paths in kinds.values():
        for path in paths[settings.keep_runs :]:
            if datetime.fromtimestamp(path.stat().st_mtime, timezone.utc) < oldest:
                yield Removal(path, "log files", size_of(path))


def size_of(path: Path) -> int:
    """Returns the bytes of a file, or of all files in a folder."""
    if not path.is_dir():
        return path.stat().st_size if path.exists() else 0
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())


def _folders(root: Path) -> Iterator[Path]:
    """Yields PIPELINE/NODE/KEY/EXECUTION below a folder; TFX's own files among them."""
    for node in sorted(root.glob("*/*")):
        if not node.is_dir() or node.name.startswith("."):
            continue
        keys = [*node.iterdir(), *(node / _SYSTEM).glob("*")]
        for key in sorted(one for one in keys if one.is_dir() and one.name != _SYSTEM):
            yield from (one for one in sorted(key.iterdir()) if one.is_dir() and one.name.isdigit())


def _artifact_id(artifact: Any) -> int:
    return int(artifact.id)


def _execution_of(uri: str) -> int | None:
    name = uri.rstrip("/").rpartition("/")[2]
    return int(name) if name.isdigit() else None


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
