"""Labelled examples as the trainer holds them: transformed once, then in memory."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from numpy.typing import NDArray

from transforms import event_spec as spec
from transforms.account_features import FEATURES

READ_BATCH: Final = 2048
_KEPT: Final = (
    *(FEATURES, spec.LABEL, spec.CUTOFF, spec.ACCOUNT_ID),
    *(spec.DAYS_TO_CHURN, spec.DAYS_OBSERVED),
)
"""In the order of LabelledExamples."""


class LabelledExamples(NamedTuple):
    """n labelled examples, by cutoff and then account."""

    features: NDArray[np.float32]
    """[n, columns]."""
    labels: NDArray[np.float32]
    """[n], 1 where the account churned within the horizon."""
    cutoffs: NDArray[np.int64]
    """[n], seconds since 1970-01-01 UTC."""
    accounts: NDArray[np.object_]
    """[n], account ids as bytes."""
    days_to_churn: NDArray[np.float32]
    """[n], days from the cutoff until the account was lost, -1 where no loss was seen."""
    days_observed: NDArray[np.float32]
    """[n], days from the cutoff of which the labels know."""

    @property
    def base_rate(self) -> float:
        """Share of churned examples."""
        return float(self.labels.mean(dtype=np.float64))


def load_examples(patterns: Sequence[str], transform: tft.TFTransformOutput) -> LabelledExamples:
    """Reads raw labelled examples and applies the Transform graph.

    The order does not depend on how the examples were spread over files.

    Args:
        patterns: Glob patterns of gzipped TFRecord files of tf.Examples.
        transform: What Transform wrote.

    Returns:
        All examples, sorted by cutoff and account id.

    Raises:
        ValueError: If the patterns match no file, or the files hold no example.
    """
    files = sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern))
    if not files:
        raise ValueError(f"No training files match {list(patterns)}: did ExampleGen run?")
    layer = transform.transform_features_layer()
    raw_spec = spec.raw_feature_spec(with_label=True)
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(READ_BATCH)
    # Nothing here branches on a tensor: rewriting the layer's code would only take time. And the
    # layer is `call`ed: once it has run as a Keras layer, a model that holds it is saved with one
    # more trace of it, for as long as all else of the export.
    transformed = tf.autograph.experimental.do_not_convert(
        lambda batch: layer.call(tf.io.parse_example(batch, raw_spec))
    )
    parsed = records.map(transformed)
    return _sorted(_gathered(parsed.prefetch(1).as_numpy_iterator(), files))


def _gathered(batches: Iterable[dict[str, NDArray[Any]]], files: Sequence[str]) -> LabelledExamples:
    parts = [[batch[name] for name in _KEPT] for batch in batches]
    if not parts:
        raise ValueError(f"The training files hold no example: {list(files)}.")
    features, labels, *others = (np.concatenate(part) for part in zip(*parts, strict=True))
    return LabelledExamples(features, labels.astype(np.float32), *others)


def _sorted(examples: LabelledExamples) -> LabelledExamples:
    order = np.lexsort((examples.accounts.astype("S"), examples.cutoffs))
    return LabelledExamples(*(column[order] for column in examples))
