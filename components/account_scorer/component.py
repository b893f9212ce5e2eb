"""AccountScorer: scores all accounts with the champion and publishes them."""

import json

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.account_scorer import executor
from components.registry.artifacts import PublishedScores
from serving_model.served.risk_bands import RiskBands


class AccountScorerSpec(types.ComponentSpec):
    """Interface of AccountScorer."""

    PARAMETERS = {  # noqa: RUF012 - as ComponentSpec asks
        "risk_bands": ExecutionParameter(type=str),
        "max_count_change": ExecutionParameter(type=float),
        "max_mean_shift": ExecutionParameter(type=float),
        "max_category_shift": ExecutionParameter(type=float),
        "max_moved_share": ExecutionParameter(type=float),
        "moved_threshold": ExecutionParameter(type=float),
        "accept_shift": ExecutionParameter(type=str),
        "remove_departed": ExecutionParameter(type=bool),
        "history_days": ExecutionParameter(type=int),
    }
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "model": ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS = {"scores": ChannelParameter(type=PublishedScores)}  # noqa: RUF012


class AccountScorer(base_beam_component.BaseBeamComponent):
    """Bulk inference of the score split, and one atomic upsert.

    Component inputs:
        - examples: Examples with a split `score`.
        - model: The champion. Optional, so that its absence ends the run with a
          sentence about it rather than with a skipped node.

    Component outputs:
        - scores: PublishedScores, Parquet shards of scores and what stands behind them;
          properties say what was published and when, by which risk bands, and how many of
          the words in the score split are outside the model's vocabularies.

    Don't cache it: a cached scorer publishes nothing.
    """

    SPEC_CLASS = AccountScorerSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        risk_bands: RiskBands,
        max_count_change: float,
        max_mean_shift: float,
        max_category_shift: float,
        max_moved_share: float,
        moved_threshold: float,
        accept_shift: str,
        remove_departed: bool,
        history_days: int,
    ):
        """Declares what to score and how far the scores may shift.

        Args:
            examples: Of FeedbackExampleGen.
            model: Of the champion's resolver.
            risk_bands: The rule of the categories; the base rate is the champion's.
            max_count_change: Circuit breaker, see PublishPolicy.
            max_mean_shift: Circuit breaker, see PublishPolicy.
            max_category_shift: Circuit breaker, see PublishPolicy.
            max_moved_share: Circuit breaker, see PublishPolicy.
            moved_threshold: Circuit breaker, see PublishPolicy.
            accept_shift: The reason to publish in spite of the circuit breaker, or "".
            remove_departed: Remove the rows of accounts no longer scored.
            history_days: Age in days from which rows of the history are dropped.
        """
        spec = AccountScorerSpec(
            examples=examples,
            model=model,
            risk_bands=json.dumps(risk_bands.rule),
            max_count_change=max_count_change,
            max_mean_shift=max_mean_shift,
            max_category_shift=max_category_shift,
            max_moved_share=max_moved_share,
            moved_threshold=moved_threshold,
            accept_shift=accept_shift,
            remove_departed=remove_departed,
            history_days=history_days,
            scores=types.Channel(type=PublishedScores),
        )
        super().__init__(spec=spec)
