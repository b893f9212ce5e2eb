"""What TFX's Evaluator measures, and on which slices."""

from typing import Final

from google.protobuf import wrappers_pb2
from tensorflow_model_analysis.proto import config_pb2

from serving_model.served.interface import PROBABILITY, SERVING
from transforms import event_spec

METRICS: Final = (
    "ExampleCount",
    "AUC",
    "AUCPrecisionRecall",
    "BinaryCrossEntropy",
    "Calibration",
    "MeanLabel",
    "MeanPrediction",
)
"""Names of classes in TFMA."""
SLICES: Final = ((), (event_spec.CUSTOMER_TIER,), (event_spec.REGION,))


def eval_config() -> config_pb2.EvalConfig:
    """Builds the EvalConfig, without any threshold: ModelGate alone decides on a model.

    Without a threshold the Evaluator writes no blessing. Its AUC is a sum over 10,000 steps, so
    it may differ from that of the gate by some 1e-4.
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
        metrics_specs=[config_pb2.MetricsSpec(metrics=_metrics())],
        options=config_pb2.Options(include_default_metrics=wrappers_pb2.BoolValue(value=False)),
    )


def _metrics() -> list[config_pb2.MetricConfig]:
    return [config_pb2.MetricConfig(class_name=name) for name in METRICS]
