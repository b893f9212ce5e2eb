"""OutcomeRecorder: records what became of the accounts that were scored before."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.config import CONFIG, as_parameter
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.outcome_recorder import executor
from components.outcome_recorder.config import OutcomeRecorderConfig
from components.registry.artifacts import PublishedScores, RecordedOutcomes


class OutcomeRecorderSpec(types.ComponentSpec):
    """Interface of OutcomeRecorder."""

    PARAMETERS = {  # noqa: RUF012 - as ComponentSpec asks
        CONFIG: ExecutionParameter(type=str),
        executor.READING: ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "scores": ChannelParameter(type=PublishedScores),
    }
    OUTPUTS = {"outcomes": ChannelParameter(type=RecordedOutcomes)}  # noqa: RUF012


class OutcomeRecorder(base_component.BaseComponent):
    """Outcomes of all publications whose window is over, in one transaction.

    It runs after the scores are published and can only fail after that; what it did not record
    the next run records.

    Component inputs:
        - examples: Examples of FeedbackExampleGen; their properties say what is known of churn.
        - scores: PublishedScores of AccountScorer.

    Component outputs:
        - outcomes: RecordedOutcomes, outcomes.json; properties say what was recorded.

    Don't cache it: a cached recorder records nothing.
    """

    SPEC_CLASS = OutcomeRecorderSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        scores: types.BaseChannel,
        config: OutcomeRecorderConfig,
        reading: FeedbackExampleGenConfig,
    ):
        """Declares what it reads.

        Args:
            examples: Of FeedbackExampleGen.
            scores: Of AccountScorer.
            config: The settings.
            reading: Those of FeedbackExampleGen: where churn dates are.
        """
        spec = OutcomeRecorderSpec(
            examples=examples,
            scores=scores,
            config=as_parameter(config),
            reading=as_parameter(reading),
            outcomes=types.Channel(type=RecordedOutcomes),
        )
        super().__init__(spec=spec)
