"""Reads the splits as the gate needs them: features for baselines, traits for slices."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_transform as tft

from components.model_gate.predictions import Seen
from components.model_gate.slice_checks import Traits
from serving_model.learning.labelled_examples import READ_BATCH, LabelledExamples
from transforms import event_spec as spec
from transforms.account_features import FEATURES
from transforms.thresholds import account_states

MOST_TRAINING_EXAMPLES: Final = 150_000
"""Above it, baselines learn from a share of the accounts: their metrics hardly move."""
MOST_KEPT_EXAMPLES: Final = 20_000
"""Of an evaluation set that is kept: some 80 MB."""
_SERIALIZED: Final = "serialized"
_SHARES: Final = 1_000_000
_AGES: Final = (spec.TENURE_DAYS, spec.DAYS_SINCE_LAST_EVENT, spec.LIFETIME_COUNT)


class TrainingExamples(NamedTuple):
    """What baselines are fitted on, by cutoff and then account."""

    examples: LabelledExamples
    silence_days: npt.NDArray[np.float32]
    """Days since the last event, [n]."""
    share: float
    """Of the accounts, 1 where all of them are there."""


class EvaluationSet(NamedTuple):
    """The evaluation set, by account."""

    serialized: list[bytes]
    accounts: npt.NDArray[np.str_]
    labels: npt.NDArray[np.float64]
    features: npt.NDArray[np.float32]
    silence_days: npt.NDArray[np.float64]
    """Days since the last event, [n]."""
    traits: Traits
    seen: Seen


_kept_sets: Final[dict[tuple[str, str, int], EvaluationSet]] = {}


def read_training(
    split_uri: str, transform: tft.TFTransformOutput, examples: int
) -> TrainingExamples:
    """Reads the training split, or the examples of a fixed share of its accounts.

    Args:
        split_uri: Folder of gzipped TFRecords.
        transform: Of the run.
        examples: How many there are.
    """
    share = min(1.0, MOST_TRAINING_EXAMPLES / max(1, examples))
    records = tf.data.TFRecordDataset(_files(split_uri), compression_type="GZIP")
    if share < 1:
        records = records.batch(READ_BATCH).map(lambda batch: _kept(batch, share)).unbatch()
    columns = _columns(records, transform)
    order = np.lexsort((columns[spec.ACCOUNT_ID].astype("S"), columns[spec.CUTOFF]))
    columns = {name: values[order] for name, values in columns.items()}
    found = LabelledExamples(
        columns[FEATURES],
        columns[spec.LABEL].astype(np.float32),
        columns[spec.CUTOFF],
        columns[spec.ACCOUNT_ID],
        columns[spec.DAYS_TO_CHURN],
        columns[spec.DAYS_OBSERVED],
    )
    return TrainingExamples(found, columns[spec.DAYS_SINCE_LAST_EVENT], share)


def read_eval(
    split_uri: str, transform: tft.TFTransformOutput, lookback_days: int
) -> EvaluationSet:
    """Reads the evaluation split; the order does not depend on how it lies in files.

    One that is small is kept for the next node of the process that asks for the same.

    Args:
        split_uri: Folder of gzipped TFRecords.
        transform: Of the run.
        lookback_days: Days before the cutoff in which events count as recent.
    """
    asked = (split_uri, transform.transform_savedmodel_dir, lookback_days)
    if asked in _kept_sets:
        return _kept_sets[asked]
    found = _read_eval(split_uri, transform, lookback_days)
    _kept_sets.clear()
    if len(found.labels) <= MOST_KEPT_EXAMPLES:
        _kept_sets[asked] = found
    return found


def _read_eval(
    split_uri: str, transform: tft.TFTransformOutput, lookback_days: int
) -> EvaluationSet:
    records = tf.data.TFRecordDataset(_files(split_uri), compression_type="GZIP")
    columns = _columns(records, transform, serialized=True)
    order = np.argsort(columns[spec.ACCOUNT_ID].astype("S"), kind="stable")
    columns = {name: values[order] for name, values in columns.items()}
    return EvaluationSet(
        serialized=columns[_SERIALIZED].tolist(),
        accounts=_text(columns[spec.ACCOUNT_ID]),
        labels=columns[spec.LABEL].astype(np.float64),
        features=columns[FEATURES],
        silence_days=columns[spec.DAYS_SINCE_LAST_EVENT].astype(np.float64),
        traits=_traits(columns, lookback_days),
        seen=Seen(
            columns[spec.DAYS_TO_CHURN].astype(np.float64),
            columns[spec.DAYS_OBSERVED].astype(np.float64),
        ),
    )


def read_serialized(split_uri: str) -> list[bytes]:
    """Returns the serialized examples of a split, as they lie in its files."""
    records = tf.data.TFRecordDataset(_files(split_uri), compression_type="GZIP")
    # One by one, crossing from TensorFlow to Python costs more than all the rest.
    return [one for batch in _arrays(records.batch(READ_BATCH)) for one in batch.tolist()]


def read_labels(serialized: list[bytes]) -> npt.NDArray[np.float64]:
    """Returns the labels of serialized examples, 0 or 1, [n]."""
    label = {spec.LABEL: tf.io.FixedLenFeature([], tf.int64)}
    return parsed(serialized, label)[spec.LABEL].astype(np.float64)


def read_traits(serialized: list[bytes], lookback_days: int) -> Traits:
    """Returns what slices are cut by, of serialized examples, [n] each.

    Args:
        serialized: n serialized examples.
        lookback_days: Days before the cutoff in which events count as recent.
    """
    raw = spec.raw_feature_spec(with_label=False)
    names = (spec.CUSTOMER_TIER, spec.REGION, *_AGES)
    return _traits(parsed(serialized, {name: raw[name] for name in names}), lookback_days)


def parsed(
    serialized: Sequence[bytes], features: Mapping[str, tf.io.FixedLenFeature]
) -> dict[str, npt.NDArray[Any]]:
    """Parses some features of examples, batch by batch: all at once would be a second copy.

    Args:
        serialized: n serialized examples.
        features: A specification of each, by name.

    Returns:
        An array [n] for each feature; texts as bytes.
    """
    parts = [
        tf.io.parse_example(tf.constant(serialized[at : at + READ_BATCH], tf.string), features)
        for at in range(0, max(1, len(serialized)), READ_BATCH)
    ]
    return {name: np.concatenate([one[name].numpy() for one in parts]) for name in features}


def _files(split_uri: str) -> list[str]:
    return sorted(tf.io.gfile.glob(os.path.join(split_uri, "*")))


def _kept(serialized: tf.Tensor, share: float) -> tf.Tensor:
    account = {spec.ACCOUNT_ID: tf.io.FixedLenFeature([], tf.string)}
    names = tf.io.parse_example(serialized, account)[spec.ACCOUNT_ID]
    place = tf.strings.to_hash_bucket_fast(names, _SHARES)
    return tf.boolean_mask(serialized, place < round(share * _SHARES))


def _columns(
    records: tf.data.Dataset, transform: tft.TFTransformOutput, *, serialized: bool = False
) -> dict[str, npt.NDArray[Any]]:
    """Parses and transforms serialized examples: raw scalars and features by name.

    Args:
        records: Serialized examples.
        transform: Of the run.
        serialized: Whether the examples themselves are kept too, as _SERIALIZED.
    """
    layer = transform.transform_features_layer()
    raw_spec = spec.raw_feature_spec(with_label=True)
    scalars = (*spec.SCALAR_STRINGS, *_AGES, spec.CUTOFF)

    @tf.autograph.experimental.do_not_convert
    def parse(batch: tf.Tensor) -> dict[str, tf.Tensor]:
        raw = tf.io.parse_example(batch, raw_spec)
        kept = {name: raw[name] for name in (*scalars, *spec.LABELS)}
        if serialized:
            kept[_SERIALIZED] = batch
        # Run as a Keras layer, it would be traced once more, through AutoGraph.
        return {**kept, FEATURES: layer.call(raw)[FEATURES]}

    parts = list(_arrays(records.batch(READ_BATCH).map(parse).prefetch(1)))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _arrays(batches: tf.data.Dataset) -> Iterator[Any]:
    yield from batches.as_numpy_iterator()


def _traits(columns: dict[str, npt.NDArray[Any]], lookback_days: int) -> Traits:
    tenure, last, count = (columns[name].astype(np.float64) for name in _AGES)
    return Traits(
        _text(columns[spec.CUSTOMER_TIER]),
        _text(columns[spec.REGION]),
        account_states(tenure, last, count, lookback_days),
    )


def _text(values: npt.NDArray[np.object_]) -> npt.NDArray[np.str_]:
    return np.array([one.decode("utf-8", "replace") for one in values], dtype=np.str_)
