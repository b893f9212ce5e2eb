"""Runs the nodes of a pipeline on this machine, each branch for itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from absl import logging
from tfx.dsl.compiler import constants
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from components.errors import TensInsightError
from components.registry.node_costs import DONE, FAILED, NOT_RUN, NodeCost, write_costs
from pipeline.runs.input_errors import input_errors_raised
from pipeline.runs.measuring import start_measuring
from pipeline.runs.recordable import require_recordable

_IN_ANY_CASE: Final = pipeline_pb2.NodeExecutionOptions.ALL_UPSTREAM_NODES_COMPLETED


class BranchRunner(LocalDagRunner):
    """LocalDagRunner ends a run at the first node that fails; this one ends its branch.

    So does every runner that knows the graph, such as Kubeflow's: what does not depend on
    the failed node still runs, and the run fails after that. A node whose trigger strategy
    is ALL_UPSTREAM_NODES_COMPLETED runs whatever became of those before it.
    """

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
        run_id = datetime.now().isoformat()
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
                outcome, measured = DONE, start_measuring()
                try:
                    self._run_alone(pipeline, node)
                except Exception as error:
                    logging.error("%s failed", name, exc_info=error)
                    failures[name], outcome = error, FAILED
                costs[name] = measured(name, outcome)
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


def _held_back(node: pipeline_pb2.PipelineNode, costs: Mapping[str, NodeCost]) -> bool:
    if node.execution_options.strategy == _IN_ANY_CASE:
        return False
    return any(costs[name].outcome != DONE for name in node.upstream_nodes if name in costs)


def _first(failures: dict[str, Exception]) -> Exception:
    (_, first), *others = failures.items()
    if not others or not isinstance(first, TensInsightError):
        return first
    more = "".join(f"\n{name} failed too: {error}" for name, error in others)
    return type(first)(f"{first}{more}")
