"""Models, runs and lineage, as ML Metadata has them.

Lists and filters in Python: newer releases of ML Metadata have no filter queries.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic

from components.registry.artifact_names import (
    MODEL,
    MODEL_BLESSING,
    MODEL_REVIEW,
    PUBLISHED_SCORES,
)
from components.registry.model_properties import (
    BlessingProperties,
    ModelProperties,
    ReviewProperties,
)
from components.registry.properties import P
from components.registry.published_properties import PublishedScoresProperties
from pipeline.registry.metadata_store import open_store
from pipeline.registry.state_places import moving_artifacts

if TYPE_CHECKING:
    from components.registry.stages import JudgedModel, StageTransition

_FAILED: Final = 4
_RUNNING: Final = (1, 2)
_LIVE: Final = 2
_INPUT: Final = 3
_OUTPUT: Final = 4
"""Of an event: a resolver's are others, for it only passes on what another node made."""


@dataclass(frozen=True)
class Run:
    """One run of a pipeline.

    Attributes:
        context_id: In ML Metadata.
        pipeline: Its name.
        run_id: The run's name.
        started_at: UTC.
        ended_at: UTC, of the last node that did anything.
        state: complete, failed, or unfinished (running, or killed).
        failed_node: Type of the node that failed; empty if none did.
    """

    context_id: int
    pipeline: str
    run_id: str
    started_at: datetime
    ended_at: datetime
    state: str
    failed_node: str


@dataclass(frozen=True)
class Artifact(Generic[P]):
    """An artifact of one type.

    Attributes:
        artifact_id: In ML Metadata; a later artifact has a higher one.
        type_name: As TFX or Tens-Insight names it.
        uri: Its folder.
        created_at: When its node ended, UTC.
        properties: What it says of itself.
    """

    artifact_id: int
    type_name: str
    uri: str
    created_at: datetime
    properties: P

    def as_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return vars(self) | {"properties": self.properties.as_json()}


class RunArtifacts:
    """What a run made or used.

    Args:
        found: Protos of ML Metadata.
    """

    def __init__(self, found: Iterable[Any]):
        self._found = sorted(found, key=lambda one: int(one.id), reverse=True)

    def all_of(self, kind: type[P]) -> list[Artifact[P]]:
        """Returns the artifacts of a type whose node described them, newest first.

        Raises:
            RegistryInconsistent: A property is absent or not of its type; names it.
        """
        read = ((one, kind.read_if_written(one)) for one in self._of_type(kind.TYPE_NAME))
        return [_artifact(one, properties) for one, properties in read if properties is not None]

    def newest(self, kind: type[P]) -> Artifact[P] | None:
        """Returns the first of all_of, if there is one."""
        return next(iter(self.all_of(kind)), None)

    def newest_uri(self, type_name: str) -> str | None:
        """Returns the folder of the newest artifact of a type, if there is one."""
        return next((str(one.uri) for one in self._of_type(type_name)), None)

    def _of_type(self, type_name: str) -> list[Any]:
        return [one for one in self._found if one.type == type_name]


class Registry:
    """Reads one store of ML Metadata; a store that does not exist yet is empty.

    Args:
        metadata_path: Its sqlite file, where METADATA_DATABASE_URL names no database.

    Raises:
        DatabaseUnreachable: METADATA_DATABASE_URL names no database that can be used.
    """

    def __init__(self, metadata_path: Path):
        self._store = open_store(metadata_path)
        self._located = (
            moving_artifacts(self._store, metadata_path.parent)
            if self._store is not None
            else lambda artifact: artifact
        )

    @property
    def store(self) -> Any | None:
        """ML Metadata itself; None where nothing was ever recorded."""
        return self._store

    def runs(self) -> list[Run]:
        """Returns all runs, newest first."""
        if self._store is None:
            return []
        contexts = self._store.get_contexts_by_type("pipeline_run")
        runs = [self._run(context) for context in contexts]
        return sorted((run for run in runs if run), key=lambda run: run.started_at, reverse=True)

    def run_named(self, run_id: str) -> Run | None:
        """Returns the run of a name; None where none of its nodes began."""
        if self._store is None:
            return None
        context = self._store.get_context_by_type_and_name("pipeline_run", run_id)
        return self._run(context) if context is not None else None

    def artifacts_of(self, run: Run | None) -> RunArtifacts:
        """Returns what a run made or used; nothing where there is no run."""
        if run is None or self._store is None:
            return RunArtifacts([])
        found = self._store.get_artifacts_by_context(run.context_id)
        return RunArtifacts(map(self._located, found))

    def models(self) -> list[Artifact[ModelProperties]]:
        """Returns all models, newest first.

        Raises:
            RegistryInconsistent: A property is not of its type; names it.
        """
        return _newest_first(self.live(MODEL), ModelProperties)

    def newest_scores(self) -> Artifact[PublishedScoresProperties] | None:
        """Returns the scores that were published last; None where none were.

        Raises:
            RegistryInconsistent: A property is absent or not of its type; names it.
        """
        return RunArtifacts(self.live(PUBLISHED_SCORES)).newest(PublishedScoresProperties)

    def reviews(self) -> list[Artifact[ReviewProperties]]:
        """Returns all evaluation reports, newest first.

        Raises:
            RegistryInconsistent: A property is absent or not of its type; names it.
        """
        return _newest_first(self.live(MODEL_REVIEW), ReviewProperties)

    def blessings(self) -> dict[int, Artifact[BlessingProperties]]:
        """Returns the gate's decision on each judged model, by the model's artifact id.

        Raises:
            RegistryInconsistent: A property is absent or not of its type; names it.
        """
        judged = reversed(_newest_first(self._decisions(), BlessingProperties))
        return {blessing.properties.current_model_id: blessing for blessing in judged}

    def judged(self) -> "list[JudgedModel]":
        """Returns all models as the champion rule sees them.

        Raises:
            RegistryInconsistent: Two models have one version.
        """
        from components.registry.judged import judged_models

        return judged_models(self.live(MODEL), self._decisions())

    def transitions(self) -> "list[StageTransition]":
        """Returns what people decided about models, in its order."""
        from components.registry.transitions import read_transitions

        return read_transitions(self._store) if self._store is not None else []

    def champion(self) -> Artifact[ModelProperties] | None:
        """Returns the champion, by the rule that the pipelines' resolvers use.

        Raises:
            RegistryInconsistent: Two models have one version.
        """
        from components.registry.rule import champion

        found = champion(self.judged(), self.transitions())
        return next(
            (one for one in self.models() if found and one.artifact_id == found.model_id), None
        )

    def made_from(self, artifact: Artifact[P]) -> tuple[Run | None, RunArtifacts]:
        """Returns the run whose node made an artifact, and what that node read."""
        if self._store is None:
            return None, RunArtifacts([])
        events = self._store.get_events_by_artifact_ids([artifact.artifact_id])
        makers = [event.execution_id for event in events if event.type == _OUTPUT]
        if not makers:
            return None, RunArtifacts([])
        read = self._store.get_events_by_execution_ids(makers[:1])
        inputs = [event.artifact_id for event in read if event.type == _INPUT]
        contexts = self._store.get_contexts_by_execution(makers[0])
        run = next((self._run(one) for one in contexts if one.type == "pipeline_run"), None)
        return run, RunArtifacts(map(self._located, self._store.get_artifacts_by_id(inputs)))

    def live(self, type_name: str) -> list[Any]:
        """Returns the artifacts of a type that were kept, as protos; none of a node that failed."""
        if self._store is None:
            return []
        found = self._store.get_artifacts_by_type(type_name)
        return [self._located(artifact) for artifact in found if artifact.state == _LIVE]

    def _decisions(self) -> list[Any]:
        """Returns the live blessings that the gate's node made."""
        from components.registry.judged import GATE_NODE

        blessings = self.live(MODEL_BLESSING)
        if self._store is None or not blessings:
            return []
        made = {
            event.execution_id: event.artifact_id
            for event in self._store.get_events_by_artifact_ids([one.id for one in blessings])
            if event.type == _OUTPUT
        }
        ours = self._executions_of(GATE_NODE)
        gate = {artifact for execution, artifact in made.items() if execution in ours}
        return [blessing for blessing in blessings if blessing.id in gate]

    def _executions_of(self, node: str) -> set[int]:
        """Returns the executions of a node of any pipeline: two questions, not one for each."""
        assert self._store is not None
        contexts = [
            context
            for context in self._store.get_contexts_by_type("node")
            if context.name.rpartition(".")[2] == node
        ]
        return {
            execution.id
            for context in contexts
            for execution in self._store.get_executions_by_context(context.id)
        }

    def _run(self, context: Any) -> Run | None:
        assert self._store is not None
        executions = self._store.get_executions_by_context(context.id)
        if not executions:
            return None
        failed = [one for one in executions if one.last_known_state == _FAILED]
        unfinished = any(one.last_known_state in _RUNNING for one in executions)
        return Run(
            context_id=context.id,
            pipeline=self._pipeline_of(executions[0].id),
            run_id=context.name,
            started_at=_moment(context.create_time_since_epoch),
            ended_at=_moment(max(one.last_update_time_since_epoch for one in executions)),
            state="failed" if failed else "unfinished" if unfinished else "complete",
            failed_node=failed[0].type.rpartition(".")[2] if failed else "",
        )

    def _pipeline_of(self, execution_id: int) -> str:
        assert self._store is not None
        contexts = self._store.get_contexts_by_execution(execution_id)
        return next(context.name for context in contexts if context.type == "pipeline")


def _newest_first(found: Iterable[Any], kind: type[P]) -> list[Artifact[P]]:
    ordered = sorted(found, key=lambda one: int(one.id), reverse=True)
    return [_artifact(one, kind.read(one)) for one in ordered]


def _artifact(found: Any, properties: P) -> Artifact[P]:
    return Artifact(
        artifact_id=found.id,
        type_name=found.type,
        uri=found.uri,
        created_at=_moment(found.create_time_since_epoch),
        properties=properties,
    )


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
