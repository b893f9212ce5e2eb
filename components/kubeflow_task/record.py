"""The execution of a task in ML Metadata, as the local runner would have recorded it."""

from collections.abc import Mapping
from typing import Any, Final

from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.orchestration import metadata
from tfx.orchestration.portable import execution_publish_utils
from tfx.orchestration.portable.mlmd import context_lib

from components.errors import RegistryInconsistent
from components.kubeflow_task.task import ABSENT, Task

Artifacts = dict[str, list[types.Artifact]]
_MADE: Final = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.INTERNAL_OUTPUT)


class TaskRecord:
    """The one execution of a node in a run, however often the task is tried.

    Args:
        handle: Of ML Metadata, open.
        task: Which node.
        run_id: Which run.
    """

    def __init__(self, handle: metadata.Metadata, task: Task, run_id: str):
        self._handle = handle
        self._task = task
        self._contexts = _contexts(handle, task, run_id)
        self._execution = self._earlier()

    @property
    def is_complete(self) -> bool:
        """Whether an earlier try came to its end."""
        return self._execution is not None and (
            self._execution.last_known_state == metadata_store_pb2.Execution.COMPLETE
        )

    def begin(self, inputs: Artifacts, properties: Mapping[str, Any]) -> None:
        """Records that it runs, on what, and with which parameters."""
        if self._execution is None:
            self._execution = execution_publish_utils.register_execution(
                self._handle,
                metadata_store_pb2.ExecutionType(name=self._task.node_type),
                self._contexts,
                input_artifacts=inputs,
                exec_properties=properties,
            )
            return
        self._execution.last_known_state = metadata_store_pb2.Execution.RUNNING
        self._handle.store.put_executions([self._execution])

    def succeed(self, outputs: Artifacts) -> None:
        """Records what it made, once: the answer to an act in the store can be lost."""
        if self.is_complete:
            return
        execution_publish_utils.publish_succeeded_execution(
            self._handle, self._begun.id, self._contexts, _without_ids(outputs)
        )

    def resolve(self, found: Artifacts) -> None:
        """Records what it found, artifacts that other executions made."""
        execution_publish_utils.publish_internal_execution(
            self._handle, self._contexts, self._begun.id, found
        )

    def fail(self) -> None:
        """Records that it failed."""
        execution_publish_utils.publish_failed_execution(
            self._handle, self._contexts, self._begun.id
        )

    def hand_on(self, outputs: Artifacts) -> None:
        """Fills outputs with what the earlier try made or found; the rest are absent."""
        store = self._handle.store
        made = {
            event.path.steps[0].key: event.artifact_id
            for event in store.get_events_by_execution_ids([self._begun.id])
            if event.type in _MADE
        }
        for key, (artifact,) in outputs.items():
            if key in made:
                (earlier,) = store.get_artifacts_by_id([made[key]])
                copy_into(artifact, earlier)
            else:
                artifact.set_int_custom_property(ABSENT, 1)

    @property
    def _begun(self) -> metadata_store_pb2.Execution:
        assert self._execution is not None, "begin() comes first"
        return self._execution

    def _earlier(self) -> metadata_store_pb2.Execution | None:
        of_each = [
            {one.id: one for one in self._handle.store.get_executions_by_context(context.id)}
            for context in self._contexts[1:]
        ]
        common = set.intersection(*map(set, of_each))
        return of_each[0][max(common)] if common else None


def recorded_inputs(handle: metadata.Metadata, inputs: Artifacts) -> Artifacts:
    """Returns inputs as ML Metadata has them, with their ids; those that are absent are left out.

    Args:
        handle: Of ML Metadata, open.
        inputs: As handed on by Kubeflow, whose ids are its own, and to which every number is
            a float.

    Raises:
        RegistryInconsistent: One was never recorded.
    """
    return {
        key: [_recorded(handle, artifact) for artifact in artifacts]
        for key, artifacts in inputs.items()
        if not any(artifact.has_custom_property(ABSENT) for artifact in artifacts)
    }


def copy_into(artifact: types.Artifact, earlier: metadata_store_pb2.Artifact) -> None:
    """Makes an output artifact speak of an earlier one: its place and what it says of itself."""
    artifact.uri = earlier.uri
    for kind in ("properties", "custom_properties"):
        found = getattr(artifact.mlmd_artifact, kind)
        for name, value in getattr(earlier, kind).items():
            found[name].CopyFrom(value)


def _recorded(handle: metadata.Metadata, artifact: types.Artifact) -> types.Artifact:
    same = [
        one
        for one in handle.store.get_artifacts_by_uri(artifact.uri)
        if one.type == artifact.type_name and one.state == metadata_store_pb2.Artifact.LIVE
    ]
    if not same:
        raise RegistryInconsistent(
            f"ML Metadata knows no {artifact.type_name} at {artifact.uri}, which this task is "
            "given. Do all tasks have the same METADATA_DATABASE_URL?"
        )
    result = type(artifact)()
    result.set_mlmd_artifact(max(same, key=lambda one: one.id))
    return result


def _without_ids(outputs: Artifacts) -> Artifacts:
    """Copies artifacts; the ids that Kubeflow gave them are hashes of its names."""
    return {key: [_without_id(one) for one in artifacts] for key, artifacts in outputs.items()}


def _without_id(artifact: types.Artifact) -> types.Artifact:
    proto = metadata_store_pb2.Artifact()
    proto.CopyFrom(artifact.mlmd_artifact)
    proto.ClearField("id")
    result = type(artifact)()
    result.set_mlmd_artifact(proto)
    return result


def _contexts(
    handle: metadata.Metadata, task: Task, run_id: str
) -> list[metadata_store_pb2.Context]:
    """Returns the contexts that TFX's compiler gives a node: pipeline, run and node."""

    def context(type_name: str, name: str, *parents: Any) -> metadata_store_pb2.Context:
        return context_lib.register_context_if_not_exists(handle, type_name, name, list(parents))

    pipeline = context("pipeline", task.pipeline)
    run = context("pipeline_run", run_id, pipeline)
    return [pipeline, run, context("node", f"{task.pipeline}.{task.node}")]
