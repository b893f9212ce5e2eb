"""The work of StoreResolver: query ML Metadata, apply the strategy, pass on what it found."""

import json
from contextlib import closing
from typing import Any

from absl import logging
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.orchestration import metadata
from tfx.utils import import_utils

from components.kubeflow_task.record import Artifacts, TaskRecord, copy_into
from components.kubeflow_task.store import in_store
from components.kubeflow_task.task import ABSENT, RUN_ID, TASK, Task
from components.postgres.address import METADATA_URL_VARIABLE
from components.postgres.connection import connect
from components.postgres.identity import read_identity
from components.registry.store_identity import require_database
from components.store_resolver.query import Query


class Executor(base_executor.BaseExecutor):
    """Resolves artifacts of earlier runs, and records that as the local runner does."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the component.

        Args:
            input_dict: None.
            output_dict: An artifact for each channel.
            exec_properties: As component.py declares, and TASK and RUN_ID of the task.

        Raises:
            DatabaseUnreachable: ML Metadata's database cannot be used.
            RegistryInconsistent: What is recorded contradicts itself.
            OtherDatabase: What is recorded belongs to another database.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        task = Task.from_json(exec_properties[TASK])
        run_id = str(exec_properties[RUN_ID])
        with closing(connect("tens-insight resolver")) as connection:
            database = read_identity(connection)
        # No preflight of ours comes before the tasks of a cluster.
        in_store(lambda handle: require_database(handle.store, database, METADATA_URL_VARIABLE))
        in_store(lambda handle: _resolve(handle, task, run_id, output_dict, exec_properties))


def _resolve(
    handle: metadata.Metadata,
    task: Task,
    run_id: str,
    outputs: Artifacts,
    properties: dict[str, Any],
) -> None:
    record = TaskRecord(handle, task, run_id)
    if record.is_complete:
        record.hand_on(outputs)
        return
    strategy = import_utils.import_class_by_path(properties["strategy"])()
    known = {
        key: Query(**query).live_artifacts(handle.store, task.pipeline, type(outputs[key][0]))
        for key, query in json.loads(properties["queries"]).items()
    }
    found = strategy.resolve_artifacts(handle.store, known)
    record.begin({}, {name: properties[name] for name in ("strategy", "queries")})
    record.resolve(found)
    _pass_on(found, outputs)


def _pass_on(found: Artifacts, outputs: Artifacts) -> None:
    for key, (artifact,) in outputs.items():
        if found.get(key):
            copy_into(artifact, found[key][0].mlmd_artifact)
        else:
            artifact.set_int_custom_property(ABSENT, 1)
        logging.info("Resolved %s: %s", key, artifact.uri if found.get(key) else "nothing")
