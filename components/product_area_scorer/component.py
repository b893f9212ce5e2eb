"""ProductAreaScorer: ranks product areas by the weighted rule and publishes them."""

import json
from collections.abc import Mapping, Sequence

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.product_area_scorer import executor
from components.registry.artifacts import AreaCounts, PublishedAreas


class ProductAreaScorerSpec(types.ComponentSpec):
    """Interface of ProductAreaScorer."""

    PARAMETERS = {  # noqa: RUF012 - as ComponentSpec asks
        "weights": ExecutionParameter(type=str),
        "enterprise_segments": ExecutionParameter(type=str),
        "clear_if_empty": ExecutionParameter(type=bool),
        "remove_vanished": ExecutionParameter(type=bool),
        "max_count_change": ExecutionParameter(type=float),
        "accept_shift": ExecutionParameter(type=str),
        "history_days": ExecutionParameter(type=int),
    }
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

    def __init__(
        self,
        *,
        area_counts: types.BaseChannel,
        weights: Mapping[str, float],
        enterprise_segments: Sequence[str],
        clear_if_empty: bool,
        remove_vanished: bool,
        max_count_change: float,
        accept_shift: str,
        history_days: int,
    ):
        """Declares the rule and how far the table may change.

        Args:
            area_counts: Of FeedbackExampleGen.
            weights: Of every signal, see transforms.product_area_impact.Weights.
            enterprise_segments: Segments that count as enterprise.
            clear_if_empty: Whether a window without feedback empties the table.
            remove_vanished: Remove the rows of pairs without feedback in the window.
            max_count_change: Circuit breaker, see PublishPolicy.
            accept_shift: The reason to publish in spite of the circuit breaker, or "".
            history_days: Age in days from which rows of the history are dropped.
        """
        spec = ProductAreaScorerSpec(
            area_counts=area_counts,
            weights=json.dumps(dict(weights)),
            enterprise_segments=json.dumps(list(enterprise_segments)),
            clear_if_empty=clear_if_empty,
            remove_vanished=remove_vanished,
            max_count_change=max_count_change,
            accept_shift=accept_shift,
            history_days=history_days,
            areas=types.Channel(type=PublishedAreas),
        )
        super().__init__(spec=spec)
