"""Monitor sees in the batches that StatisticsGen decoded what it would decode itself."""

import numpy as np
import pytest
import tensorflow as tf

from components.feedback_example_gen.bucket_writer import GZIP
from components.monitor import example_reader as module
from components.monitor.example_reader import decode, list_batches, read_observed
from components.monitor.observed import observed_batch
from components.statistics_gen import looked_at as kept
from components.statistics_gen.looked_at import looked_at
from transforms import event_spec as spec


def feature(values):
    if isinstance(values[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if isinstance(values[0], int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def example(number, **other):
    features = {
        spec.ACCOUNT_ID: [f"ACC-{number}".encode()],
        spec.TENURE_DAYS: [float(number)],
        spec.EVENT_AGE_DAYS: [0.5, 8.25],
        **other,
    }
    known = {name: feature(values) for name, values in features.items() if values}
    return tf.train.Example(features=tf.train.Features(feature=known)).SerializeToString()


def split(folder, examples):
    with tf.io.TFRecordWriter(str(folder / "data.gz"), GZIP) as writer:
        for one in examples:
            writer.write(one)
    return str(folder)


def alike(one, other):
    assert one.numbers.keys() == other.numbers.keys()
    for name in one.numbers:
        np.testing.assert_array_equal(one.numbers[name], other.numbers[name])
    for name in one.event_words:
        assert one.event_words[name].words == other.event_words[name].words
        np.testing.assert_array_equal(one.event_words[name].codes, other.event_words[name].codes)
    np.testing.assert_array_equal(one.event_age, other.event_age)
    np.testing.assert_array_equal(one.event_account, other.event_account)


def test_features_that_no_example_has_are_there_and_empty(tmp_path):
    examples = [
        example(1, event_source=[b"email", b"chat"]),
        example(2, event_age_days=[]),
        example(3, customer_tier=[b"pro"]),
    ]
    folder = split(tmp_path, examples)
    found = read_observed(folder, len(examples))
    alike(found, observed_batch(decode(list_batches(folder, 1.0))))
    assert found.numbers[spec.TENURE_DAYS].tolist() == [1, 2, 3]


def test_a_split_that_was_looked_at_is_not_decoded_again(tmp_path, monkeypatch):
    folder = split(tmp_path, [example(number) for number in range(40)])
    batches = list(looked_at([f"{folder}/data.gz"], 1.0))
    for where in (module, kept):
        monkeypatch.delattr(where, "example_batches")
    found = read_observed(folder, 40)
    assert found.accounts == sum(batch.num_rows for batch in batches) == 40


def test_a_split_that_was_written_again_is_looked_at_again(tmp_path):
    folder = split(tmp_path, [example(1)])
    assert read_observed(folder, 1).numbers[spec.TENURE_DAYS].tolist() == [1]
    split(tmp_path, [example(2), example(3)])
    assert read_observed(folder, 2).numbers[spec.TENURE_DAYS].tolist() == [2, 3]


def test_a_split_without_examples_is_none(tmp_path):
    assert read_observed(split(tmp_path, []), 0) is None


def test_values_of_another_type_than_the_schema_says_are_an_error(tmp_path):
    folder = split(tmp_path, [example(1, tenure_days=[b"long"])])
    with pytest.raises(RuntimeError, match=spec.TENURE_DAYS):
        read_observed(folder, 1)
