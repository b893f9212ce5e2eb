"""ModelGate: decides on a challenger and says why."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.model_gate import executor


class ModelGateSpec(types.ComponentSpec):
    """Interface of ModelGate."""

    PARAMETERS = {  # noqa: RUF012 - as ComponentSpec asks
        "min_auc": ExecutionParameter(type=float),
        "max_auc_drop": ExecutionParameter(type=float),
        "max_pr_auc_drop": ExecutionParameter(type=float),
        "max_log_loss_rise": ExecutionParameter(type=float),
        "max_calibration_error": ExecutionParameter(type=float),
        "max_calibration_gap": ExecutionParameter(type=float),
        "min_slice_churned": ExecutionParameter(type=int),
        "min_slice_stayed": ExecutionParameter(type=int),
    }
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "baseline_model": ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS = {"blessing": ChannelParameter(type=standard_artifacts.ModelBlessing)}  # noqa: RUF012


class ModelGate(base_component.BaseComponent):
    """Blesses a challenger that is sound beside the champion and three simple baselines.

    The only judge: TFX's Evaluator measures and slices, and has no threshold.

    Component inputs:
        - examples: Examples with the splits `train` and `eval`.
        - transform_graph: TransformGraph, for the baselines' features.
        - model: The challenger.
        - baseline_model: The former champion (optional: there may be none).

    Component outputs:
        - blessing: ModelBlessing, whose folder holds BLESSED or NOT_BLESSED as TFX's
          Evaluator writes them, decision.json with every check, and predictions.parquet
          with the answers of every model to every account of the evaluation snapshot.
          Properties: those by which TFX's Pusher and resolvers find a blessed model, and
          model_version, summary, auc, log_loss,
          decision.
    """

    SPEC_CLASS = ModelGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel,
        model: types.BaseChannel,
        min_auc: float,
        max_auc_drop: float,
        max_pr_auc_drop: float,
        max_log_loss_rise: float,
        max_calibration_error: float,
        max_calibration_gap: float,
        min_slice_churned: int,
        min_slice_stayed: int,
        baseline_model: types.BaseChannel | None = None,
    ):
        """Declares what is judged, beside what, and the bars; see Limits for these."""
        spec = ModelGateSpec(
            examples=examples,
            transform_graph=transform_graph,
            model=model,
            baseline_model=baseline_model,
            min_auc=min_auc,
            max_auc_drop=max_auc_drop,
            max_pr_auc_drop=max_pr_auc_drop,
            max_log_loss_rise=max_log_loss_rise,
            max_calibration_error=max_calibration_error,
            max_calibration_gap=max_calibration_gap,
            min_slice_churned=min_slice_churned,
            min_slice_stayed=min_slice_stayed,
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        )
        super().__init__(spec=spec)
