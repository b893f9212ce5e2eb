"""The work of DataGate: raise where a check stops the run."""

from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.data_checker.checks import STOPPED, WARNED
from components.data_checker.decision_file import read_checks
from components.errors import DataGateStopped


class Executor(base_executor.BaseExecutor):
    """Reads the decision; a check that stopped stops the run."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the component.

        Args:
            input_dict:
                - decision: DataGateDecision of DataChecker.
            output_dict: Empty.
            exec_properties: Empty.

        Raises:
            DataGateStopped: Names every check that stopped the run and the setting behind
                it, and every check that warned.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        checks = read_checks(artifact_utils.get_single_uri(input_dict["decision"]))
        stopped = [check.message for check in checks if check.verdict == STOPPED]
        if stopped:
            warned = [check.message for check in checks if check.verdict == WARNED]
            besides = f". It also warns: {'; '.join(warned)}" if warned else ""
            raise DataGateStopped(f"The data gate stopped the run: {'; '.join(stopped)}{besides}")
