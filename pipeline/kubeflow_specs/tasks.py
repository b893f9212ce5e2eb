"""Makes the components of a pipeline into tasks: ours are called in place of their executors."""

import contextlib
from collections.abc import Iterator
from typing import Any

import yaml
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.kubeflow.v2 import compiler_utils
from tfx.orchestration.pipeline import Pipeline
from tfx.utils import name_utils

from components.kubeflow_task import executor
from components.kubeflow_task.task import RUN_ID, RUN_ID_PLACEHOLDER, TASK, Task, reference
from components.registry import artifacts
from components.store_resolver.component import StoreResolver
from pipeline.registry.metadata_store import require_no_backslash
from pipeline.settings import Settings
from transforms.schema import schema_path


@contextlib.contextmanager
def titles_that_import() -> Iterator[None]:
    """Gives our artifact types titles by which TFX's container entry point can import them.

    TFX's compiler takes TYPE_NAME for the title, and its entry point takes the title for the
    path of the class; Vertex wants it to be room.Type. The names under which ML Metadata knows
    our types are none of all this, and need not change for it: the compiler's function is
    replaced for as long as it compiles.
    """
    original = compiler_utils.get_artifact_schema

    def schema(artifact_type: type[types.Artifact]) -> str:
        if artifact_type.__module__ != artifacts.__name__:
            return original(artifact_type)
        return yaml.dump({"title": f"components.{artifact_type.__name__}", "type": "object"})

    compiler_utils.get_artifact_schema = schema
    try:
        yield
    finally:
        compiler_utils.get_artifact_schema = original


def as_tasks(definition: Pipeline, settings: Settings) -> None:
    """Prepares a definition, in place, for KubeflowV2DagRunner.

    Each executor is called by one that resolves its inputs in ML Metadata and records what
    it does, as the local runner would. Paths on this machine become names of files in
    packages, which every image finds.

    Args:
        definition: What create_pipeline returned; it serves for nothing else afterwards.
        settings: For the resources.

    Raises:
        ConfigurationInvalid: A property cannot be recorded in ML Metadata on Postgres.
    """
    for component in definition.components:
        _prepare(component, definition.pipeline_info.pipeline_name)
        component.platform_config = (
            pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec(
                cpu_limit=settings.cluster.kubeflow_cpu,
                memory_limit=settings.cluster.kubeflow_memory_gb,
            )
        )


def _prepare(component: base_component.BaseComponent, pipeline_name: str) -> None:
    properties = component.exec_properties
    for name, value in properties.items():
        if isinstance(value, str):
            require_no_backslash(component.id, name, value, "leave it at its default")
        properties[name] = _anywhere(value)
    resolves = isinstance(component, StoreResolver)
    task = Task(
        pipeline=pipeline_name,
        node=component.id,
        node_type=name_utils.get_full_name(Resolver if resolves else type(component)),
        executor=name_utils.get_full_name(component.executor_spec.executor_class),
    )
    properties |= {TASK: task.as_json(), RUN_ID: RUN_ID_PLACEHOLDER}
    if not resolves:
        component.executor_spec = _caller(component.executor_spec)


def _anywhere(value: Any) -> Any:
    return reference("transforms.schema", "schema.pbtxt") if value == str(schema_path()) else value


def _caller(inner: executor_spec.ExecutorClassSpec) -> executor_spec.ExecutorClassSpec:
    if not isinstance(inner, executor_spec.BeamExecutorSpec):
        return executor_spec.ExecutorClassSpec(executor.Executor)
    result = executor_spec.BeamExecutorSpec(executor.BeamExecutor)
    result.add_beam_pipeline_args(inner.beam_pipeline_args)
    return result
