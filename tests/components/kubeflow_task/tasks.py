"""Executors for the tests, and tasks as TFX's container entry point hands them over."""

from pathlib import Path

from tfx.dsl.components.base import base_executor
from tfx.types import standard_artifacts

from components.kubeflow_task.run import run_task
from components.kubeflow_task.task import Task

PIPELINE = "some-pipeline"
calls = []
"""What the executors were called with, in this process."""


class Writer(base_executor.BaseExecutor):
    """Writes a file into its model, and describes it."""

    def Do(self, input_dict, output_dict, exec_properties):  # noqa: N802 - TFX calls it so
        calls.append((input_dict, exec_properties, self._context.pipeline_run_id))
        if exec_properties.get("fails"):
            raise RuntimeError("no")
        (model,) = output_dict["model"]
        Path(model.uri, "file").write_text("x")
        model.set_string_custom_property("model_version", exec_properties.get("version", "v"))
        model.set_int_custom_property("rows", 7)
        model.set_float_custom_property("share", 1.0)


class Reader(base_executor.BaseExecutor):
    """Takes a model, or none."""

    def Do(self, input_dict, output_dict, exec_properties):  # noqa: N802 - TFX calls it so
        calls.append((input_dict, exec_properties, self._context.pipeline_run_id))


def given(kind, uri, ident):
    """Returns an artifact whose id is a hash of the cluster's own."""
    result = kind()
    result.uri = str(uri)
    result.id = ident
    return result


def write(folder, run_id="run-1", node="ModelTrainer", **properties):
    """Runs Writer as a task; returns its model as the cluster gets it back."""
    outputs = {"model": [given(standard_artifacts.Model, folder / "model", 1 << 60)]}
    task = Task(PIPELINE, node, f"some.{node}", f"{__name__}.Writer")
    parameters = {**properties, "task": task.as_json(), "run_id": run_id}
    run_task(base_executor.BaseExecutor.Context(), {}, outputs, parameters)
    return outputs["model"][0]


def read(model, run_id="run-1"):
    """Runs Reader as a task; returns the models that it was given."""
    task = Task(PIPELINE, "Reader", "some.Reader", f"{__name__}.Reader")
    parameters = {"task": task.as_json(), "run_id": run_id}
    run_task(base_executor.BaseExecutor.Context(), {"model": [model]}, {}, parameters)
    return calls[-1][0].get("model")


def custom_properties(artifact):
    """Returns an artifact's custom properties as plain strings and numbers."""
    return {
        name: getattr(value, value.WhichOneof("value"))
        for name, value in artifact.mlmd_artifact.custom_properties.items()
    }
