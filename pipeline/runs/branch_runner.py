"""Runs the nodes of a pipeline on this machine, each branch for itself.

Each node's time and memory are written down, and it fails where TFX would only log that its
inputs could not be resolved.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tfx.dsl.compiler import constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.orchestration.portable.input_resolution.exceptions import InputResolutionError
from tfx.proto.orchestration import pipeline_pb2

from components.errors import TensInsightError
from components.memory import release_memory, status_mib
from components.registry.node_costs import DONE, FAILED, NOT_RUN, NodeCost, write_costs
from pipeline.foreseen import foreseen, unreadable_input
from pipeline.registry.metadata_store import require_recordable
from pipeline.runs.node_inputs import kept_inputs
from pipeline.runs.progress import Progress
from pipeline.runs.run_id import new_run_id

_IN_ANY_CASE: Final = pipeline_pb2.NodeExecutionOptions.ALL_UPSTREAM_NODES_COMPLETED
_CLEAR: Final = Path("/proc/self/clear_refs")
_RESET_PEAK: Final = "5"
"""proc(5): sets the peak, VmHWM, back to what is resident now."""


class BranchRunner(LocalDagRunner):
    """LocalDagRunner ends a run at the first node that fails; this one ends its branch.

    So does every runner that knows the graph, such as Kubeflow's: what does not depend on
    the failed node still runs, and the run fails after that. A node whose trigger strategy
    is ALL_UPSTREAM_NODES_COMPLETED runs whatever became of those before it.
    """

    def __init__(self, progress: Progress | None = None, run_id: str | None = None):
        """Makes a runner.

        Args:
            progress: Is told which node works and when it ends; None where nobody looks.
            run_id: The run's name, by which ML Metadata, publications and reports know it;
                None makes one.
        """
        super().__init__()
        self._progress = progress
        self._run_id = run_id or new_run_id()

    def run_with_ir(self, pipeline: pipeline_pb2.Pipeline, run_options: Any = None) -> None:
        """Runs a compiled pipeline.

        Args:
            pipeline: Nodes in topological order.
            run_options: As for LocalDagRunner; part of a run is run as it does.

        Raises:
            ConfigurationInvalid: A property cannot be recorded where ML Metadata lies.
            Exception: What the first failed node raised; other failures are named in its
                message if it is one of ours, and are in the log in any case.
        """
        require_recordable(pipeline)
        if run_options is not None:
            super().run_with_ir(pipeline, run_options)
            return
        run_id = self._run_id
        runtime_parameter_utils.substitute_runtime_parameter(
            pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
        )
        root = pipeline.runtime_spec.pipeline_root.field_value.string_value
        failures: dict[str, Exception] = {}
        costs: dict[str, NodeCost] = {}
        for node in pipeline.nodes:
            name = node.pipeline_node.node_info.id
            if _held_back(node.pipeline_node, costs):
                costs[name] = NodeCost(name, NOT_RUN)
            else:
                release_memory()
                outcome, measured = DONE, start_measuring()
                try:
                    with self._progress.step(name) if self._progress else nullcontext():
                        self._run_alone(pipeline, node)
                except Exception as error:
                    logging.getLogger(__name__).error("%s failed", name, exc_info=error)
                    failures[name], outcome = _explained(error, pipeline, run_id, name), FAILED
                costs[name] = measured(name, outcome)
                if name in failures:
                    costs[name] = replace(costs[name], reason=_reason(failures[name]))
            write_costs(root, run_id, list(costs.values()))
        if failures:
            raise _first(failures)

    def _run_alone(
        self, pipeline: pipeline_pb2.Pipeline, node: pipeline_pb2.Pipeline.PipelineOrNode
    ) -> None:
        alone = pipeline_pb2.Pipeline()
        alone.CopyFrom(pipeline)
        del alone.nodes[:]
        alone.nodes.append(node)
        with input_errors_raised():
            super().run_with_ir(alone)


def _explained(
    error: Exception, pipeline: pipeline_pb2.Pipeline, run_id: str, node: str
) -> Exception:
    """Returns the error of ours that a library's error means, else the same error."""
    if isinstance(error, TensInsightError):
        return error
    found = foreseen(error)
    if found is None:
        config = runner_utils.extract_local_deployment_config(pipeline).metadata_connection_config
        connection = getattr(config, config.WhichOneof("connection_config"))
        with metadata.Metadata(connection) as handle:
            found = unreadable_input(error, kept_inputs(handle.store, run_id, node))
    return found or error


def _held_back(node: pipeline_pb2.PipelineNode, costs: Mapping[str, NodeCost]) -> bool:
    if node.execution_options.strategy == _IN_ANY_CASE:
        return False
    return any(costs[name].outcome != DONE for name in node.upstream_nodes if name in costs)


def _reason(error: Exception) -> str:
    """Says why a node failed; an error nobody foresaw may quote rows, so its kind is all."""
    if isinstance(error, TensInsightError):
        return str(error)
    return f"an unexpected {type(error).__name__}; the log of the run says more"


def _first(failures: dict[str, Exception]) -> Exception:
    (_, first), *others = failures.items()
    if not others or not isinstance(first, TensInsightError):
        return first
    more = "".join(f"\n{name} failed too: {error}" for name, error in others)
    return type(first)(f"{first}{more}")


@contextmanager
def input_errors_raised() -> Iterator[None]:
    """Raises, at the end of its block, the first failure to resolve inputs that was logged in it.

    TFX's launcher records such a node as failed and returns as if it had run, so that the
    next nodes would go on with less: a challenger would be judged without its champion.

    Raises:
        TensInsightError: The cause, if it is an error of ours.
        InputResolutionError: Else, with its cause chained.
    """
    listener = _Listener()
    logger = logging.getLogger("absl")
    logger.addHandler(listener)
    other: Exception | None = None
    try:
        yield
    except Exception as error:
        other = error  # such as that the failure could not even be recorded
    finally:
        logger.removeHandler(listener)
    if listener.error is not None:
        raise _cause(listener.error)
    if other is not None:
        raise other


class _Listener(logging.Handler):
    """The launcher reports these errors by log records only."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.error: InputResolutionError | None = None

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if self.error is None and isinstance(error, InputResolutionError):
            self.error = error


def _cause(error: BaseException) -> BaseException:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TensInsightError):
            return cause
        cause = cause.__cause__
    return error


def start_measuring() -> Callable[[str, str], NodeCost]:
    """Begins to measure a node: wall time, and resident memory of this whole process.

    Returns:
        Ends the measuring; takes the node's name and outcome.
    """
    known, began = _reset_peak(), time.monotonic()

    def measured(name: str, outcome: str) -> NodeCost:
        seconds = time.monotonic() - began
        return NodeCost(name, outcome, round(seconds, 2), _peak_mib() if known else None)

    return measured


def _reset_peak() -> bool:
    """Returns whether there is such a count here."""
    try:
        _CLEAR.write_text(_RESET_PEAK)
    except OSError:
        return False
    return True


def _peak_mib() -> float | None:
    return status_mib("VmHWM")
