"""Runs the nodes of a pipeline on this machine, each branch for itself."""

from datetime import datetime
from typing import Any

from absl import logging
from tfx.dsl.compiler import constants
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from components.errors import TensInsightError
from pipeline.input_errors import input_errors_raised
from pipeline.recordable import require_recordable


class BranchRunner(LocalDagRunner):
    """LocalDagRunner ends a run at the first node that fails; this one ends its branch.

    So does every runner that knows the graph, such as Kubeflow's: what does not depend on
    the failed node still runs, and the run fails after that.
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
        runtime_parameter_utils.substitute_runtime_parameter(
            pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: datetime.now().isoformat()}
        )
        failures: dict[str, Exception] = {}
        held_back: set[str] = set()
        for node in pipeline.nodes:
            name = node.pipeline_node.node_info.id
            if held_back.intersection(node.pipeline_node.upstream_nodes):
                held_back.add(name)
                continue
            alone = pipeline_pb2.Pipeline()
            alone.CopyFrom(pipeline)
            del alone.nodes[:]
            alone.nodes.append(node)
            try:
                with input_errors_raised():
                    super().run_with_ir(alone)
            except Exception as error:
                logging.error("%s failed", name, exc_info=error)
                failures[name] = error
                held_back.add(name)
        if failures:
            raise _first(failures)


def _first(failures: dict[str, Exception]) -> Exception:
    (_, first), *others = failures.items()
    if not others or not isinstance(first, TensInsightError):
        return first
    more = "".join(f"\n{name} failed too: {error}" for name, error in others)
    return type(first)(f"{first}{more}")
