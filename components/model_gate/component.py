"""ModelGate: decides on a challenger and says why."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.config import CONFIG, as_parameter
from components.model_gate import executor
from components.model_gate.config import ModelGateConfig


class ModelGateSpec(types.ComponentSpec):
    """Interface of ModelGate."""

    PARAMETERS = {CONFIG: ExecutionParameter(type=str)}  # noqa: RUF012 - as ComponentSpec asks
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "baseline_model": ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS = {"blessing": ChannelParameter(type=standard_artifacts.ModelBlessing)}  # noqa: RUF012


class ModelGate(base_component.BaseComponent):
    """Blesses a challenger that is sound beside the champion and four simple baselines.

    The only judge: TFX's Evaluator measures and slices, and has no threshold.

    Component inputs:
        - examples: Examples with the splits `train` and `eval`.
        - transform_graph: TransformGraph, for the baselines' features.
        - model: The challenger.
        - baseline_model: The former champion (optional: there may be none).

    Component outputs:
        - blessing: ModelBlessing, whose folder holds BLESSED or NOT_BLESSED as TFX's
          Evaluator writes them, decision.json with every check, and predictions.parquet
          with the answers of every model to every account of the evaluation set.
          Properties: those by which TFX's Pusher and resolvers find a blessed model, and
          model_version, summary, auc, log_loss and decision.
    """

    SPEC_CLASS = ModelGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel,
        model: types.BaseChannel,
        config: ModelGateConfig,
        baseline_model: types.BaseChannel | None = None,
    ):
        """Declares what is judged, compared with what, and the thresholds.

        Args:
            examples: Of FeedbackExampleGen.
            transform_graph: Of Transform.
            model: The challenger.
            config: The settings.
            baseline_model: The former champion; None if there is none.
        """
        spec = ModelGateSpec(
            examples=examples,
            transform_graph=transform_graph,
            model=model,
            baseline_model=baseline_model,
            config=as_parameter(config),
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        )
        super().__init__(spec=spec)
