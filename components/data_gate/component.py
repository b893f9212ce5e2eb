"""DataGate: a run goes on only with data that are sound and thick enough."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.data_gate import executor
from components.registry.artifacts import DataGateDecision


class DataGateSpec(types.ComponentSpec):
    """Interface of DataGate."""

    PARAMETERS: dict[str, ExecutionParameter] = {}  # noqa: RUF012 - as ComponentSpec asks
    INPUTS = {"decision": ChannelParameter(type=DataGateDecision)}  # noqa: RUF012
    OUTPUTS: dict[str, ChannelParameter] = {}  # noqa: RUF012


class DataGate(base_component.BaseComponent):
    """Stops the run where DataChecker's decision says so; nothing is learnt or published then.

    A node of its own: what a failed node wrote is no artifact, and the decision that stops a
    run is what its reviewers ask for.

    Component inputs:
        - decision: DataGateDecision of DataChecker.
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, *, decision: types.BaseChannel):
        """Declares the input.

        Args:
            decision: Of DataChecker.
        """
        super().__init__(spec=DataGateSpec(decision=decision))
