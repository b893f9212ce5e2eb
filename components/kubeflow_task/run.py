"""Runs an executor as the local runner does: resolved inputs, folders, run id, a record."""

import copy
from collections.abc import Mapping
from typing import Any

from absl import logging
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.orchestration import metadata
from tfx.utils import import_utils

from components.kubeflow_task.packaged_file import resolved
from components.kubeflow_task.record import Artifacts, TaskRecord, recorded_inputs
from components.kubeflow_task.store import in_store
from components.kubeflow_task.task import RUN_ID, TASK, Task


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
    properties = _properties(parameters, task)

    def begin(handle: metadata.Metadata) -> Artifacts | None:
        record = TaskRecord(handle, task, run_id)
        if record.is_complete:
            record.hand_on(outputs)
            return None
        found = recorded_inputs(handle, inputs)
        record.begin(found, properties)
        return found

    found = in_store(begin)
    if found is None:
        logging.info("%s had ended in run %s before: its outputs are handed on", task.node, run_id)
        return
    for artifact in (one for artifacts in outputs.values() for one in artifacts):
        fileio.makedirs(artifact.uri)
    executor = import_utils.import_class_by_path(task.executor)
    try:
        executor(_in_run(context, run_id)).Do(found, outputs, properties)
    except Exception:
        in_store(lambda handle: TaskRecord(handle, task, run_id).fail())
        raise
    in_store(lambda handle: TaskRecord(handle, task, run_id).succeed(outputs))


def _properties(parameters: Mapping[str, Any], task: Task) -> dict[str, Any]:
    """Returns the component's own parameters, as it declared them."""
    return {
        name: bool(value) if name in task.flags else resolved(value)
        for name, value in parameters.items()
        if name not in (TASK, RUN_ID)
    }


def _in_run(
    context: base_executor.BaseExecutor.Context, run_id: str
) -> base_executor.BaseExecutor.Context:
    result = copy.copy(context)
    # The entry point does not know the run, and the class has no setter.
    result._pipeline_run_id = run_id
    return result
