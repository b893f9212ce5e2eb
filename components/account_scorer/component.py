"""AccountScorer: scores all accounts with the champion and publishes them."""

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.account_scorer import executor
from components.account_scorer.config import AccountScorerConfig
from components.config import CONFIG, as_parameter
from components.registry.artifacts import ModelSplit, PublishedScores
from components.registry.strategy import SECOND, SHADOW_KEYS, SPLIT


class AccountScorerSpec(types.ComponentSpec):
    """Interface of AccountScorer."""

    PARAMETERS = {CONFIG: ExecutionParameter(type=str)}  # noqa: RUF012 - as ComponentSpec asks
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "model": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
        **{
            key: ChannelParameter(type=standard_artifacts.Model, optional=True)
            for key in (*SHADOW_KEYS, SECOND)
        },
        SPLIT: ChannelParameter(type=ModelSplit, optional=True),
    }
    OUTPUTS = {"scores": ChannelParameter(type=PublishedScores)}  # noqa: RUF012


class AccountScorer(base_beam_component.BaseBeamComponent):
    """Bulk inference of the score split, and one atomic upsert.

    Component inputs:
        - examples: Examples with a split `score`.
        - model: The champion. Optional: without one the rule scores where the settings say so,
          else the run ends with a sentence about it rather than with a skipped node.
        - blessing: The champion's, which says which horizons were judged; optional.
        - pinned_shadow, former_champion, newest_challenger: Models that are asked too, and not
          published; optional.
        - second_of_split: The model that scores a share of the accounts; optional.
        - split: ModelSplit, the decision about that share; optional.

    Component outputs:
        - scores: PublishedScores, Parquet shards of scores and their details;
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
        config: AccountScorerConfig,
        blessing: types.BaseChannel | None = None,
        **beside: types.BaseChannel,
    ):
        """Declares what to score and how far the scores may shift.

        Args:
            examples: Of FeedbackExampleGen.
            model: Of the champion's resolver.
            config: The settings.
            blessing: Of the champion's resolver; None where nothing is known of the gate.
            **beside: Of the resolver of models that score beside the champion.
        """
        spec = AccountScorerSpec(
            examples=examples,
            model=model,
            blessing=blessing,
            config=as_parameter(config),
            scores=types.Channel(type=PublishedScores),
            **beside,
        )
        super().__init__(spec=spec)
