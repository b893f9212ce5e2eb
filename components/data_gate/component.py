"""DataGate: a run goes on only with data that are sound and thick enough."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.artifacts import DataGateDecision
from components.data_gate import executor


class DataGateSpec(types.ComponentSpec):
    """Interface of DataGate."""

    PARAMETERS = {  # noqa: RUF012 - as ComponentSpec asks
        "min_accounts": ExecutionParameter(type=int),
        "min_churned": ExecutionParameter(type=int),
        "max_feedback_age_days": ExecutionParameter(type=int),
    }
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies, optional=True),
    }
    OUTPUTS = {"decision": ChannelParameter(type=DataGateDecision)}  # noqa: RUF012


class DataGate(base_component.BaseComponent):
    """Stops the run on schema anomalies and on data too thin or too old.

    ExampleValidator only records anomalies; this component acts on them. It also
    validates the unlabelled `score` split in the schema's SERVING environment, which
    ExampleValidator does not know.

    Component inputs:
        - examples: Examples of FeedbackExampleGen; sizes and dates are its properties.
        - statistics: ExampleStatistics of all splits.
        - anomalies: ExampleAnomalies of the labelled splits (optional).

    Component outputs:
        - decision: DataGateDecision. Nothing downstream runs without it.
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        statistics: types.BaseChannel,
        min_accounts: int,
        min_churned: int,
        max_feedback_age_days: int,
        anomalies: types.BaseChannel | None = None,
    ):
        """Declares the bars.

        Args:
            examples: Of FeedbackExampleGen.
            statistics: Of StatisticsGen, all splits.
            min_accounts: Fewest snapshots in each labelled split.
            min_churned: Fewest churned, and fewest stayed, in each labelled split.
            max_feedback_age_days: Most days from the newest feedback to as_of.
            anomalies: Of ExampleValidator, labelled splits.
        """
        spec = DataGateSpec(
            examples=examples,
            statistics=statistics,
            anomalies=anomalies,
            min_accounts=min_accounts,
            min_churned=min_churned,
            max_feedback_age_days=max_feedback_age_days,
            decision=types.Channel(type=DataGateDecision),
        )
        super().__init__(spec=spec)
