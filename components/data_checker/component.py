"""DataChecker: says of the data of a run what is unsound, thin, old, or not as before."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.config import CONFIG, as_parameter
from components.data_checker import executor
from components.data_checker.config import DataCheckerConfig
from components.registry.artifacts import DataGateDecision


class DataCheckerSpec(types.ComponentSpec):
    """Interface of DataChecker."""

    PARAMETERS = {CONFIG: ExecutionParameter(type=str)}  # noqa: RUF012 - as ComponentSpec asks
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies, optional=True),
        "trained_statistics": ChannelParameter(
            type=standard_artifacts.ExampleStatistics, optional=True
        ),
    }
    OUTPUTS = {"decision": ChannelParameter(type=DataGateDecision)}  # noqa: RUF012


class DataChecker(base_component.BaseComponent):
    """Checks for data that are unsound, thin, old, or not as before; DataGate acts on it.

    ExampleValidator only records anomalies; this component decides what they mean. It also
    validates the unlabelled `score` split in the schema's SERVING environment, which
    ExampleValidator does not know, and compares the splits with each other.

    Component inputs:
        - examples: Examples of FeedbackExampleGen; sizes and dates are its properties.
        - statistics: ExampleStatistics of all splits.
        - anomalies: ExampleAnomalies of the labelled splits (optional).
        - trained_statistics: ExampleStatistics of the run that trained the champion (optional). A
          run that only scores is compared with its train and eval splits.

    Component outputs:
        - decision: DataGateDecision, also where it says that the run must stop.
    """

    SPEC_CLASS = DataCheckerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        statistics: types.BaseChannel,
        config: DataCheckerConfig,
        anomalies: types.BaseChannel | None = None,
        trained_statistics: types.BaseChannel | None = None,
    ):
        """Declares the inputs, and the settings.

        Args:
            examples: Of FeedbackExampleGen.
            statistics: Of StatisticsGen, all splits.
            config: The thresholds, and the actions.
            anomalies: Of ExampleValidator, labelled splits.
            trained_statistics: Of the StatisticsGen of the run that trained the champion.
        """
        spec = DataCheckerSpec(
            examples=examples,
            statistics=statistics,
            anomalies=anomalies,
            trained_statistics=trained_statistics,
            config=as_parameter(config),
            decision=types.Channel(type=DataGateDecision),
        )
        super().__init__(spec=spec)
