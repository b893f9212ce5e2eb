"""Runs an executor as the local runner does: resolved inputs, folders, run id, a record."""

import copy
from collections.abc import Mapping
from typing import Any

from absl import logging
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.orchestration import metadata
from tfx.utils import import_utils

from components.kubeflow_task.record import Artifacts, TaskRecord, recorded_inputs
from components.kubeflow_task.store import in_store
from components.kubeflow_task.task import RUN_ID, TASK, Task, resolved


def run_task(
    context: base_executor.BaseExecutor.Context,
    inputs: Artifacts,
    outputs: Artifacts,
    parameters: Mapping[str, Any],
) -> None:
    """Runs the executor of a task, and records it.

    A task that is tried again although it had come to its end hands on what it made then:
    nothing is published or recorded twice.

    Args:
        context: As the container entry point made it.
        inputs: As Kubeflow hands them on.
        outputs: To be filled.
        parameters: Of the component, and beside them TASK and RUN_ID.

    Raises:
        DatabaseUnreachable: ML Metadata's database cannot be used.
        RegistryInconsistent: An input was never recorded.
        Exception: Whatever the executor raised, after the failure was recorded.
    """
    task, run_id = Task.from_json(parameters[TASK]), str(parameters[RUN_ID])
    properties = _properties(parameters)

    def record(handle: metadata.Metadata) -> TaskRecord:
        return TaskRecord(handle, task, run_id)

    found = in_store(lambda handle: _begin(handle, record(handle), inputs, outputs, properties))
    if found is None:
        logging.info("%s had ended in run %s before: its outputs are handed on", task.node, run_id)
        return
    try:
        _execute(task.executor, _in_run(context, run_id), found, outputs, properties)
    except Exception:
        in_store(lambda handle: record(handle).fail())
        raise
    in_store(lambda handle: record(handle).succeed(outputs))


def _properties(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the component's own parameters, as it declared them."""
    return {
        name: resolved(value) for name, value in parameters.items() if name not in (TASK, RUN_ID)
    }


def _begin(
    handle: metadata.Metadata,
    record: TaskRecord,
    inputs: Artifacts,
    outputs: Artifacts,
    properties: dict[str, Any],
) -> Artifacts | None:
    """Returns the inputs; None where an earlier try had ended, whose outputs are handed on."""
    if record.is_complete:
        record.hand_on(outputs)
        return None
    found = recorded_inputs(handle, inputs)
    record.begin(found, properties)
    return found


def _in_run(
    context: base_executor.BaseExecutor.Context, run_id: str
) -> base_executor.BaseExecutor.Context:
    result = copy.copy(context)
    # The entry point does not know the run, and the class has no setter.
    result._pipeline_run_id = run_id
    return result


def _execute(
    path: str,
    context: base_executor.BaseExecutor.Context,
    inputs: Artifacts,
    outputs: Artifacts,
    properties: dict[str, Any],
) -> None:
    for artifact in (one for artifacts in outputs.values() for one in artifacts):
        fileio.makedirs(artifact.uri)
    import_utils.import_class_by_path(path)(context).Do(inputs, outputs, properties)
