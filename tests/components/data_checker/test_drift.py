"""The comparators on statistics that TFDV computed, at the thresholds of the schema."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

from components.data_checker.checks import Check
from components.data_checker.config import DataCheckerConfig
from components.data_checker.drift import check_drift
from components.data_checker.pairs import PAIRS, Pair
from components.data_checker.statistics import accounts
from tests.property_tests import cases
from transforms import columns, event_spec
from transforms.schema import load_schema

SCHEMA = load_schema()
MEASURED = {
    feature.name for feature in SCHEMA.feature if feature.HasField("drift_comparator")
}  # fmt: skip
MINIMUM = DataCheckerConfig().min_drift_accounts

Of = Callable[..., Any]


def failed(checks: list[Check]) -> dict[str, Check]:
    return {check.name.partition(": ")[2]: check for check in checks if check.verdict == "failed"}


def events(count: int, word: bytes, seed: int = 0) -> list[list[bytes]]:
    return [[word] * size for size in np.random.default_rng(seed).poisson(8, count).tolist()]


def test_everything_but_ids_dates_and_the_label_is_compared() -> None:
    names = {feature.name for feature in SCHEMA.feature}
    own = {event_spec.ACCOUNT_ID, event_spec.CUTOFF, *event_spec.LABELS}
    assert names - MEASURED == own | {*event_spec.LIFE_FLOATS, *event_spec.SOURCE_LISTS}
    skew = {feature.name for feature in SCHEMA.feature if feature.HasField("skew_comparator")}
    assert skew == MEASURED


@pytest.mark.parametrize("pair", PAIRS)
def test_the_same_distribution_passes_and_every_value_is_kept(
    pair: Pair, statistics_of: Of, limits: Of
) -> None:
    base, split = statistics_of(2_000, seed=1), statistics_of(2_000, seed=2)
    checks = list(check_drift(pair, base, split, SCHEMA, limits()))
    assert {check.name for check in checks} == {f"{pair.name}: {name}" for name in MEASURED}
    assert {check.verdict for check in checks} == {"passed"}
    assert {check.group for check in checks} == {pair.group}
    assert all(isinstance(check.found, float) and check.found >= 0 for check in checks)
    assert sum(check.found > 0 for check in checks) > 10


@pytest.mark.parametrize("pair", PAIRS)
def test_a_shift_of_words_says_which_word_and_how_far(
    pair: Pair, statistics_of: Of, limits: Of
) -> None:
    base = statistics_of(500)
    split = statistics_of(500, seed=3, event_source=events(500, b"fax"))
    checks = failed(list(check_drift(pair, base, split, SCHEMA, limits())))
    assert set(checks) == {columns.SOURCE.feature}
    (check,) = checks.values()
    assert check.found == pytest.approx(1)
    assert check.threshold == "<= 0.05"
    assert check.splits == (pair.split, pair.base)
    assert f"event_source in {pair.split} is 1.000 away from {pair.base}" in check.message
    assert "the share of 'fax' was 0.0% and is 100.0%" in check.message


def test_a_shift_of_numbers_says_mean_and_median(statistics_of: Of, limits: Of) -> None:
    high = [[5] * len(words) for words in events(500, b"")]
    split = statistics_of(500, event_priority=high)
    checks = failed(list(check_drift(PAIRS[1], statistics_of(500), split, SCHEMA, limits())))
    assert set(checks) == {columns.PRIORITY.feature}
    assert "and is 5, the median was 3 and is 5" in checks[columns.PRIORITY.feature].message


@pytest.mark.parametrize(("base", "split"), [(49, 200), (200, 49)])
def test_too_few_on_either_side_never_fail_but_show_their_value(
    base: int, split: int, statistics_of: Of, limits: Of
) -> None:
    one = statistics_of(base, event_source=events(base, b"email"))
    other = statistics_of(split, event_source=events(split, b"fax"))
    checks = list(check_drift(PAIRS[0], one, other, SCHEMA, limits()))
    assert {check.verdict for check in checks} == {"skipped"}
    assert max(check.found for check in checks) == 1
    assert all("49 accounts in " in check.message for check in checks)
    assert all("of 50 needed (TENS_INSIGHT_MIN_DRIFT_ACCOUNTS)" in c.message for c in checks)


def test_many_examples_of_few_accounts_are_few(statistics_of: Of, limits: Of) -> None:
    again = [[b"ACC-%d" % (number % 40)] for number in range(400)]
    base = statistics_of(400, account_id=again)
    assert accounts(base) == 40
    checks = check_drift(PAIRS[0], base, statistics_of(400), SCHEMA, limits())
    assert {check.verdict for check in checks} == {"skipped"}


@pytest.mark.parametrize("writing", [0, 49])
def test_few_events_of_many_accounts_raise_no_alarm(
    writing: int, statistics_of: Of, limits: Of
) -> None:
    silent: list[list[bytes]] = [[b"new"] if number < writing else [] for number in range(100)]
    split = statistics_of(100, event_topic=silent)
    checks = {
        check.name: check
        for check in check_drift(PAIRS[0], statistics_of(100), split, SCHEMA, limits())
    }
    assert len(checks) == len(MEASURED)
    topic = checks["eval against train: event_topic"]
    assert topic.verdict == "skipped"
    assert topic.found > 0.05
    assert f"too few: {writing} values in eval of 50 needed" in topic.message


def test_the_threshold_of_the_schema_is_the_bar(statistics_of: Of, limits: Of) -> None:
    strict = schema_pb2.Schema()
    feature = strict.feature.add(name="region", type=schema_pb2.BYTES)
    feature.drift_comparator.infinity_norm.threshold = 0
    checks = list(
        check_drift(PAIRS[0], statistics_of(200), statistics_of(200, seed=1), strict, limits())
    )
    assert [(check.name, check.verdict) for check in checks] == [
        ("eval against train: region", "failed")
    ]


@given(seed=st.integers(0, 2**31), sizes=st.tuples(*[st.integers(1, 499)] * 2))
@settings(max_examples=cases(15), deadline=None)
def test_too_little_data_never_raise_an_alarm(
    seed: int, sizes: tuple[int, int], statistics_of: Of, limits: Of
) -> None:
    base = statistics_of(sizes[0], seed=seed, event_source=events(sizes[0], b"email"))
    split = statistics_of(sizes[1], seed=seed + 1)
    pair, thresholds = PAIRS[seed % 3], limits(min_drift_accounts=MINIMUM)
    assert not failed(list(check_drift(pair, base, split, SCHEMA, thresholds)))


@pytest.mark.slow
def test_two_samples_of_the_minimum_seldom_raise_an_alarm(statistics_of: Of, limits: Of) -> None:
    thresholds, alarms, repeats = limits(min_drift_accounts=MINIMUM), 0, 24
    for seed in range(repeats):
        base, split = (statistics_of(MINIMUM, seed=2 * seed + side) for side in (0, 1))
        checks = list(check_drift(PAIRS[seed % 3], base, split, SCHEMA, thresholds))
        assert "skipped" not in {check.verdict for check in checks}
        alarms += bool(failed(checks))
    assert alarms <= 1
