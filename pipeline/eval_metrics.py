"""A model's quality on an evaluation snapshot, computed from its own predictions."""

import os
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from serving_model import metrics
from serving_model.predict import ModelScorer
from transforms import event_spec

RESAMPLES: Final = 400


@dataclass(frozen=True)
class EvalMetrics:
    """Quality on the eval split.

    Attributes:
        accounts: Snapshots judged by.
        churned: Of them, how many churned.
        auc: Area under the ROC curve.
        auc_interval: 95 % bootstrap interval over accounts.
        log_loss: Mean, in nats.
        calibration_error: Expected calibration error, 10 bins of equal mass.
    """

    accounts: int
    churned: int
    auc: float
    auc_interval: tuple[float, float]
    log_loss: float
    calibration_error: float


def evaluate(saved_model_dir: str, examples_uri: str) -> EvalMetrics:
    """Scores the eval split with a SavedModel and compares with its labels.

    Args:
        saved_model_dir: The SavedModel.
        examples_uri: Folder of an Examples artifact with a split `eval`.
    """
    serialized, labels = read_labelled(os.path.join(examples_uri, "Split-eval"))
    accounts, probabilities = ModelScorer(saved_model_dir).score(serialized)
    # Readers see rows in any order; in one order, resampling gives one interval.
    order = np.argsort(accounts)
    labels, probabilities = labels[order], probabilities[order]
    return EvalMetrics(
        accounts=len(labels),
        churned=int(labels.sum()),
        auc=metrics.auc(labels, probabilities),
        auc_interval=metrics.bootstrap_interval(
            metrics.auc, labels, probabilities, n=RESAMPLES, seed=0
        ),
        log_loss=metrics.log_loss(labels, probabilities),
        calibration_error=metrics.expected_calibration_error(labels, probabilities),
    )


def read_labelled(split_uri: str) -> tuple[list[bytes], npt.NDArray[np.int64]]:
    """Returns the serialized snapshots of a split and their labels, int64 [n]."""
    paths = sorted(tf.io.gfile.glob(os.path.join(split_uri, "*")))
    records = tf.data.TFRecordDataset(paths, compression_type="GZIP")
    serialized = list(records.as_numpy_iterator())
    label = {event_spec.LABEL: tf.io.FixedLenFeature([], tf.int64)}
    return serialized, tf.io.parse_example(serialized, label)[event_spec.LABEL].numpy()
