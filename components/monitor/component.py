"""Monitor: measures each publication, and says what is unlike the publications before it."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.config import CONFIG, as_parameter
from components.data_checker.config import DataCheckerConfig
from components.monitor import executor
from components.monitor.config import MonitorConfig
from components.monitor.run_checks import DATA_GATE
from components.registry.artifacts import DataGateDecision, Monitoring, PublishedScores


class MonitorSpec(types.ComponentSpec):
    """Interface of Monitor."""

    PARAMETERS = {  # noqa: RUF012 - as ComponentSpec asks
        "pipeline_root": ExecutionParameter(type=str),
        CONFIG: ExecutionParameter(type=str),
        DATA_GATE: ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "trained_statistics": ChannelParameter(
            type=standard_artifacts.ExampleStatistics, optional=True
        ),
        "decision": ChannelParameter(type=DataGateDecision),
        "model": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "scores": ChannelParameter(type=PublishedScores),
    }
    OUTPUTS = {"monitoring": ChannelParameter(type=Monitoring)}  # noqa: RUF012


class Monitor(base_component.BaseComponent):
    """Writes what a publication looks like to schema tens_insight, and whether it is unusual.

    It runs after the scores are published, and changes nothing about them: where it fails they
    stay published, and the run says so.

    Component inputs:
        - examples: Examples with a split `score`.
        - statistics: ExampleStatistics of these Examples.
        - trained_statistics: ExampleStatistics of what the champion learnt from (optional).
        - decision: DataGateDecision; what its checks measured and decided is watched too.
        - model: The champion; the profile that travels with it says what training looked like.
          Absent where the cold-start rule scored, which has none.
        - scores: PublishedScores of AccountScorer.

    Component outputs:
        - monitoring: Monitoring; properties say how many measures were taken, and which alarms
          are open.
    """

    SPEC_CLASS = MonitorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        pipeline_root: str,
        config: MonitorConfig,
        data_gate: DataCheckerConfig,
        **inputs: types.BaseChannel,
    ):
        """Declares the inputs, and the settings.

        Args:
            pipeline_root: Where the runner writes down what the nodes took.
            config: The settings.
            data_gate: Those of DataChecker, whose thresholds are Monitor's too.
            **inputs: As above.
        """
        spec = MonitorSpec(
            pipeline_root=pipeline_root,
            config=as_parameter(config),
            data_gate=as_parameter(data_gate),
            monitoring=types.Channel(type=Monitoring),
            **inputs,
        )
        super().__init__(spec=spec)
