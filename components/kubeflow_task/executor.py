"""What TFX's container entry point calls in place of the executors of a pipeline."""

from typing import Any

from tfx import types
from tfx.dsl.components.base import base_beam_executor, base_executor

from components.kubeflow_task.run import run_task


class Executor(base_executor.BaseExecutor):
    """Stands for an executor without Beam."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the executor that the parameter `task` names; see run_task."""
        run_task(self._context, input_dict, output_dict, exec_properties)


class BeamExecutor(base_beam_executor.BaseBeamExecutor):
    """Stands for an executor that is given options of Beam."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the executor that the parameter `task` names; see run_task."""
        run_task(self._context, input_dict, output_dict, exec_properties)
