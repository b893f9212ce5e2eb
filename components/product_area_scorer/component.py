"""ProductAreaScorer: ranks product areas by the weighted rule and publishes them."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.config import CONFIG, as_parameter
from components.product_area_scorer import executor
from components.product_area_scorer.config import ProductAreaScorerConfig
from components.registry.artifacts import AreaCounts, PublishedAreas


class ProductAreaScorerSpec(types.ComponentSpec):
    """Interface of ProductAreaScorer."""

    PARAMETERS = {CONFIG: ExecutionParameter(type=str)}  # noqa: RUF012 - as ComponentSpec asks
    INPUTS = {"area_counts": ChannelParameter(type=AreaCounts)}  # noqa: RUF012
    OUTPUTS = {"areas": ChannelParameter(type=PublishedAreas)}  # noqa: RUF012


class ProductAreaScorer(base_component.BaseComponent):
    """The rule over the counts of the run's snapshot, and one atomic upsert.

    It depends on nothing but the counts: neither the data gate nor the model's gate, which
    speak of accounts and of learning, holds it back.

    Component inputs:
        - area_counts: AreaCounts of FeedbackExampleGen.

    Component outputs:
        - areas: PublishedAreas, area_impacts.json with every contribution; properties say
          what was published, with which weights, as of when.

    Don't cache it: a cached scorer publishes nothing.
    """

    SPEC_CLASS = ProductAreaScorerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, *, area_counts: types.BaseChannel, config: ProductAreaScorerConfig):
        """Declares the rule and how far the table may change.

        Args:
            area_counts: Of FeedbackExampleGen.
            config: The settings.
        """
        spec = ProductAreaScorerSpec(
            area_counts=area_counts,
            config=as_parameter(config),
            areas=types.Channel(type=PublishedAreas),
        )
        super().__init__(spec=spec)
