"""How a model is judged: metrics, slices and the thresholds of the gate."""

from typing import Final

from google.protobuf import wrappers_pb2
from tensorflow_model_analysis.proto import config_pb2

from pipeline.settings import Settings
from serving_model.served.signatures import PROBABILITY, SERVING
from transforms import event_spec

AUC: Final = "auc"
PR_AUC: Final = "auc_precision_recall"
LOG_LOSS: Final = "binary_crossentropy"
CALIBRATION: Final = "calibration"
EXAMPLE_COUNT: Final = "example_count"
SLICES: Final = ((), (event_spec.CUSTOMER_TIER,), (event_spec.REGION,))


def eval_config(settings: Settings) -> config_pb2.EvalConfig:
    """Builds the EvalConfig.

    A challenger is blessed if its AUC reaches `min_auc` and, where there is a
    champion, neither AUC nor log-loss is worse than the champion's on the same
    evaluation snapshot by more than the settings allow. Thresholds bind the overall
    slice; slices by tier and region are reported.

    Args:
        settings: min_auc, max_auc_drop, max_log_loss_rise.
    """
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                signature_name=SERVING,
                prediction_key=PROBABILITY,
                label_key=event_spec.LABEL,
            )
        ],
        slicing_specs=[config_pb2.SlicingSpec(feature_keys=keys) for keys in SLICES],
        metrics_specs=[config_pb2.MetricsSpec(metrics=_metrics(settings))],
        options=config_pb2.Options(include_default_metrics=wrappers_pb2.BoolValue(value=False)),
    )


def _metrics(settings: Settings) -> list[config_pb2.MetricConfig]:
    return [
        config_pb2.MetricConfig(class_name="ExampleCount"),
        config_pb2.MetricConfig(
            class_name="AUC",
            per_slice_thresholds=_overall(
                value_threshold=config_pb2.GenericValueThreshold(
                    lower_bound=wrappers_pb2.DoubleValue(value=settings.model_gate.min_auc)
                ),
                change_threshold=_no_worse(
                    config_pb2.MetricDirection.HIGHER_IS_BETTER, -settings.model_gate.max_auc_drop
                ),
            ),
        ),
        config_pb2.MetricConfig(class_name="AUCPrecisionRecall"),
        config_pb2.MetricConfig(
            class_name="BinaryCrossEntropy",
            per_slice_thresholds=_overall(
                change_threshold=_no_worse(
                    config_pb2.MetricDirection.LOWER_IS_BETTER,
                    settings.model_gate.max_log_loss_rise,
                )
            ),
        ),
        config_pb2.MetricConfig(class_name="Calibration"),
        config_pb2.MetricConfig(class_name="MeanLabel"),
        config_pb2.MetricConfig(class_name="MeanPrediction"),
    ]


def _overall(
    **thresholds: config_pb2.GenericValueThreshold,
) -> list[config_pb2.PerSliceMetricThreshold]:
    """Binds thresholds to the overall slice: a plain `threshold` binds every small one too."""
    return [
        config_pb2.PerSliceMetricThreshold(
            slicing_specs=[config_pb2.SlicingSpec()],
            threshold=config_pb2.MetricThreshold(**thresholds),
        )
    ]


def _no_worse(
    direction: "config_pb2.MetricDirection", bound: float
) -> config_pb2.GenericChangeThreshold:
    return config_pb2.GenericChangeThreshold(
        direction=direction, absolute=wrappers_pb2.DoubleValue(value=bound)
    )
