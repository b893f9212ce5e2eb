"""What the curated schema lets through and what it stops, as TFDV judges it."""

from typing import Any

import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl, stats_options
from tensorflow_transform.tf_metadata import schema_utils
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from transforms import columns
from transforms import event_spec as spec
from transforms.schema import SERVING, TRAINING, load_schema, schema_path

SOUND: dict[str, Any] = {
    spec.ACCOUNT_ID: [b"ACC-1"],
    spec.CUSTOMER_TIER: [b"pro"],
    spec.REGION: ["MEA-\u00fc".encode()],
    spec.CUTOFF: [1_700_000_000],
    **{name: [3.0] for name in (*spec.SCALAR_FLOATS, *spec.LIFE_FLOATS)},
    spec.LIFE_SOURCE: [b"chat", b"email"],
    spec.LIFE_SOURCE_COUNT: [1.0, 2.0],
    spec.DAYS_SINCE_SOURCE: [2.5, 90.0],
    spec.EVENT_AGE_DAYS: [9.5, 2.5],
    columns.PRIORITY.feature: [1, 5],
    columns.SENTIMENT.feature: [b"negative", b"positive"],
    columns.PRODUCT_AREA.feature: [b"never seen", b"billing"],
    columns.SOURCE.feature: [b"chat", b"chat"],
    columns.TOPIC.feature: [b"t", b"u"],
}
LABELLED = SOUND | {spec.LABEL: [1], spec.DAYS_TO_CHURN: [7.5], spec.DAYS_OBSERVED: [90.0]}
SILENT = LABELLED | {name: [] for name in spec.EVENT_LISTS}


def serialized(features: dict[str, Any]) -> bytes:
    example = tf.train.Example()
    parsed = spec.raw_feature_spec(with_label=True)
    for name, value in features.items():
        feature = example.features.feature[name]
        kind = {tf.string: "bytes_list", tf.float32: "float_list", tf.int64: "int64_list"}
        values = getattr(feature, kind[parsed[name].dtype])
        values.SetInParent()
        values.value.extend(value)
    return example.SerializeToString()


def anomalies(*examples: dict[str, Any], environment: str = TRAINING) -> set[str]:
    batch = ExamplesToRecordBatchDecoder().DecodeBatch([serialized(one) for one in examples])
    statistics = stats_impl.generate_statistics_in_memory(batch, stats_options.StatsOptions())
    found = tfdv.validate_statistics(statistics, load_schema(), environment=environment)
    return set(found.anomaly_info)


def without(features: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in features.items() if key != name}


def test_the_schema_parses_to_the_raw_feature_spec() -> None:
    parsed = schema_utils.schema_as_feature_spec(load_schema()).feature_spec
    assert parsed == spec.raw_feature_spec(with_label=True)


def test_the_path_is_that_of_the_loaded_file() -> None:
    assert tfdv.load_schema_text(str(schema_path())) == load_schema()


def test_sound_snapshots_pass_where_they_belong() -> None:
    stayed = {spec.LABEL: [0], spec.DAYS_TO_CHURN: [-1.0]}
    assert anomalies(LABELLED, LABELLED | stayed, SILENT) == set()
    silent = {name: value for name, value in SILENT.items() if name not in spec.LABELS}
    assert anomalies(SOUND, silent, environment=SERVING) == set()


def test_the_labels_are_expected_in_training_and_not_in_serving() -> None:
    assert anomalies(SOUND) == set(spec.LABELS)
    assert anomalies(LABELLED, environment=SERVING) == set(spec.LABELS)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # TFDV's variance of an infinite value
@pytest.mark.parametrize(
    ("name", "value"),
    [
        (columns.SENTIMENT.feature, [b"angry", b"negative"]),
        (columns.PRIORITY.feature, [1, 9]),
        (columns.PRIORITY.feature, [0, 1]),
        (spec.EVENT_AGE_DAYS, [3.0, -1.0]),
        (spec.EVENT_AGE_DAYS, [3.0, float("nan")]),
        (spec.TENURE_DAYS, [-0.5]),
        (spec.TENURE_DAYS, [float("inf")]),
        (spec.DAYS_SINCE_LAST_EVENT, [-1.0]),
        ("lifetime_negative_count", [-1.0]),
        (spec.EVENT_DAYS, [-1.0]),
        (spec.DAY_GAPS[2], [float("nan")]),
        (spec.DAYS_SINCE_TONE[0], [-1.5]),
        (spec.HALF_YEAR_COUNTS[0], [-1.0]),
        (spec.LIFE_SOURCE_COUNT, [-1.0, 2.0]),
        (spec.DAYS_SINCE_SOURCE, [-1.0, 2.0]),
        (spec.CUTOFF, [-1]),
        (spec.LABEL, [2]),
        (spec.DAYS_TO_CHURN, [-1.5]),
        (spec.DAYS_TO_CHURN, [float("nan")]),
        (spec.DAYS_OBSERVED, [-1.0]),
        (spec.DAYS_OBSERVED, [float("inf")]),
        (spec.REGION, [b"EU", b"NA"]),
    ],
)
def test_a_value_out_of_its_domain_is_an_anomaly(name: str, value: list[Any]) -> None:
    assert anomalies(*[LABELLED] * 20, LABELLED | {name: value}) == {name}


@pytest.mark.parametrize(
    "name",
    [*spec.SCALAR_STRINGS, *spec.SCALAR_FLOATS, *spec.LIFE_FLOATS, spec.CUTOFF, *spec.LABELS],
)
def test_one_missing_scalar_is_an_anomaly(name: str) -> None:
    assert anomalies(*[LABELLED] * 20, without(LABELLED, name)) == {name}


@pytest.mark.parametrize("name", spec.LISTS)
def test_a_list_that_no_snapshot_has_is_an_anomaly(name: str) -> None:
    assert anomalies(without(LABELLED, name)) == {name}


def test_a_whole_set_without_any_event_is_an_anomaly() -> None:
    assert anomalies(SILENT, SILENT) == {columns.PRIORITY.feature}
