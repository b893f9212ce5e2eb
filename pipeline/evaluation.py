"""How a model is judged: metrics, slices and the thresholds of the gate."""

from typing import Final

import tensorflow_model_analysis as tfma
from google.protobuf import wrappers_pb2

from pipeline.settings import Settings
from serving_model.signatures import PROBABILITY, SERVING
from transforms import event_spec

AUC: Final = "auc"
PR_AUC: Final = "auc_precision_recall"
LOG_LOSS: Final = "binary_crossentropy"
CALIBRATION: Final = "calibration"
EXAMPLE_COUNT: Final = "example_count"
SLICES: Final = ((), (event_spec.CUSTOMER_TIER,), (event_spec.REGION,))


def eval_config(settings: Settings) -> tfma.EvalConfig:
    """Builds the EvalConfig.

    A challenger is blessed if its AUC reaches `min_auc` and, where there is a
    champion, neither AUC nor log-loss is worse than the champion's on the same
    evaluation snapshot by more than the settings allow. Thresholds bind the overall
    slice; slices by tier and region are reported.

    Args:
        settings: min_auc, max_auc_drop, max_log_loss_rise.
    """
    return tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                signature_name=SERVING,
                prediction_key=PROBABILITY,
                label_key=event_spec.LABEL,
            )
        ],
        slicing_specs=[tfma.SlicingSpec(feature_keys=keys) for keys in SLICES],
        metrics_specs=[tfma.MetricsSpec(metrics=_metrics(settings))],
        options=tfma.Options(include_default_metrics=wrappers_pb2.BoolValue(value=False)),
    )


def _metrics(settings: Settings) -> list[tfma.MetricConfig]:
    return [
        tfma.MetricConfig(class_name="ExampleCount"),
        tfma.MetricConfig(
            class_name="AUC",
            per_slice_thresholds=_overall(
                value_threshold=tfma.GenericValueThreshold(
                    lower_bound=wrappers_pb2.DoubleValue(value=settings.min_auc)
                ),
                change_threshold=_no_worse(
                    tfma.MetricDirection.HIGHER_IS_BETTER, -settings.max_auc_drop
                ),
            ),
        ),
        tfma.MetricConfig(class_name="AUCPrecisionRecall"),
        tfma.MetricConfig(
            class_name="BinaryCrossEntropy",
            per_slice_thresholds=_overall(
                change_threshold=_no_worse(
                    tfma.MetricDirection.LOWER_IS_BETTER, settings.max_log_loss_rise
                )
            ),
        ),
        tfma.MetricConfig(class_name="Calibration"),
        tfma.MetricConfig(class_name="MeanLabel"),
        tfma.MetricConfig(class_name="MeanPrediction"),
    ]


def _overall(**thresholds: tfma.GenericValueThreshold) -> list[tfma.PerSliceMetricThreshold]:
    """Binds thresholds to the overall slice: a plain `threshold` binds every small one too."""
    return [
        tfma.PerSliceMetricThreshold(
            slicing_specs=[tfma.SlicingSpec()], threshold=tfma.MetricThreshold(**thresholds)
        )
    ]


def _no_worse(direction: "tfma.MetricDirection", bound: float) -> tfma.GenericChangeThreshold:
    return tfma.GenericChangeThreshold(
        direction=direction, absolute=wrappers_pb2.DoubleValue(value=bound)
    )
