"""FeedbackExampleGen: emits one tf.Example per account and cutoff from Postgres."""

import json
from collections.abc import Sequence

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.config import CONFIG, as_parameter
from components.feedback_example_gen import executor
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.registry.artifacts import AreaCounts


class FeedbackExampleGenSpec(types.ComponentSpec):
    """Interface of FeedbackExampleGen."""

    PARAMETERS = {  # noqa: RUF012 - as ComponentSpec asks
        CONFIG: ExecutionParameter(type=str),
        "splits": ExecutionParameter(type=str),
        "as_of": ExecutionParameter(type=str),
    }
    INPUTS: dict[str, ChannelParameter] = {}  # noqa: RUF012
    OUTPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "area_counts": ChannelParameter(type=AreaCounts),
    }


class FeedbackExampleGen(base_beam_component.BaseBeamComponent):
    """Reads feedback_enriched in one consistent snapshot.

    Component outputs:
        - examples: standard_artifacts.Examples with the splits asked for. Each
          tf.Example has the shape of transforms/event_spec.py. Custom properties say
          as_of, label source, watermark, cutoffs, sizes and base rates.
        - area_counts: AreaCounts, what ProductAreaScorer needs. The exported snapshot ends
          with this component, so what is to be counted inside it is counted here.

    The database is the one that the environment names (DATABASE_URL, or libpq's own
    variables) where the executor runs; no parameter holds an address. The component
    has no custom driver: everything is resolved in the executor, since Kubeflow does
    not run drivers of ours. Don't cache it: an UPDATE of an old row leaves no trace
    in any parameter.
    """

    SPEC_CLASS = FeedbackExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        *,
        config: FeedbackExampleGenConfig,
        splits: Sequence[str],
        as_of: str | RuntimeParameter = "",
    ):
        """Declares what to read.

        Args:
            config: The settings.
            splits: Some of train, eval and score.
            as_of: The run's now, ISO 8601, or the parameter of the run that says it; empty for
                the database's clock when the run reads it.
        """
        spec = FeedbackExampleGenSpec(
            config=as_parameter(config),
            splits=json.dumps(list(splits)),
            as_of=as_of,
            examples=types.Channel(type=standard_artifacts.Examples),
            area_counts=types.Channel(type=AreaCounts),
        )
        super().__init__(spec=spec)
