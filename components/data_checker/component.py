"""DataChecker: says of the data of a run what is unsound, thin, old, or not as before."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.data_checker import executor
from components.data_checker.actions import complete_actions
from components.data_checker.checks import Limits
from components.registry.artifacts import DataGateDecision


class DataCheckerSpec(types.ComponentSpec):
    """Interface of DataChecker."""

    PARAMETERS = {  # noqa: RUF012 - as ComponentSpec asks
        "actions": ExecutionParameter(type=str),
        "min_accounts": ExecutionParameter(type=int),
        "min_churned": ExecutionParameter(type=int),
        "max_feedback_age_days": ExecutionParameter(type=int),
        "min_drift_accounts": ExecutionParameter(type=int),
        "max_unseen_share": ExecutionParameter(type=float),
        "max_missing_share": ExecutionParameter(type=float),
        "max_vanished_share": ExecutionParameter(type=float),
        "max_accounts_change": ExecutionParameter(type=float),
        "min_week_share": ExecutionParameter(type=float),
    }
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
        - trained_statistics: ExampleStatistics of a training run (optional). A run that
          only scores is compared with its train and eval splits.

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
        limits: Limits,
        actions: Mapping[str, str],
        anomalies: types.BaseChannel | None = None,
        trained_statistics: types.BaseChannel | None = None,
    ):
        """Declares the bars, and what a failed check does.

        Args:
            examples: Of FeedbackExampleGen.
            statistics: Of StatisticsGen, all splits.
            limits: The bars.
            actions: stop, warn or off for groups of checks; the others keep their defaults.
            anomalies: Of ExampleValidator, labelled splits.
            trained_statistics: Of the StatisticsGen of a training run.

        Raises:
            ValueError: A group or an action is unknown.
        """
        spec = DataCheckerSpec(
            examples=examples,
            statistics=statistics,
            anomalies=anomalies,
            trained_statistics=trained_statistics,
            actions=json.dumps(complete_actions(actions)),
            decision=types.Channel(type=DataGateDecision),
            **asdict(limits),
        )
        super().__init__(spec=spec)
