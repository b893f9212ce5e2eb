"""Person-periods against plain Python, and which horizons can be learnt."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving_model.learning.labelled_examples import LabelledExamples
from serving_model.learning.person_periods import choose_horizons, person_periods
from tests.property_tests import cases

DAYS = (30, 60, 90)


def seen(lost: list[float], observed: list[float], horizon: float = 60) -> LabelledExamples:
    rows = len(lost)
    to_churn = np.array(lost, np.float32)
    labels = ((to_churn >= 0) & (to_churn <= horizon)).astype(np.float32)
    return LabelledExamples(
        np.zeros((rows, 1), np.float32),
        labels,
        np.zeros(rows, np.int64),
        np.array([b"A"] * rows, object),
        to_churn,
        np.array(observed, np.float32),
    )


def oracle(lost: float, observed: float) -> list[tuple[bool, float]]:
    cells = []
    for start, end in zip((0, *DAYS), DAYS, strict=False):
        gone_before = lost >= 0 and (lost <= start if start else False)
        counts = not gone_before and observed >= end
        cells.append((counts, float(counts and 0 <= lost <= end)))
    return cells


ACCOUNT = st.tuples(
    st.one_of(st.just(-1.0), st.integers(0, 120).map(float), st.floats(0, 120, width=32)),
    st.one_of(st.sampled_from([60.0, 90.0]), st.floats(60, 200, width=32)),
)


@settings(max_examples=cases(200), deadline=None)
@given(st.lists(ACCOUNT, min_size=1, max_size=30))
def test_it_is_what_plain_python_says(accounts: list[tuple[float, float]]) -> None:
    known = [(lost if lost <= observed else -1.0, observed) for lost, observed in accounts]
    found = person_periods(seen(*map(list, zip(*known, strict=True))), DAYS)
    cells = [oracle(*one) for one in known]
    np.testing.assert_array_equal(found.counted, [[c for c, _ in row] for row in cells])
    np.testing.assert_array_equal(found.churned, [[c for _, c in row] for row in cells])


@settings(max_examples=cases(100), deadline=None)
@given(st.lists(ACCOUNT, min_size=1, max_size=30))
def test_up_to_the_horizon_it_is_the_label(accounts: list[tuple[float, float]]) -> None:
    known = [(lost if lost <= observed else -1.0, observed) for lost, observed in accounts]
    examples = seen(*map(list, zip(*known, strict=True)))
    found = person_periods(examples, DAYS)
    np.testing.assert_array_equal(found.churned[:, :2].max(axis=1), examples.labels)


def test_horizons_that_nothing_teaches_are_dropped_and_named() -> None:
    lost = [5.0] * 40 + [45.0] * 40 + [75.0] * 40 + [-1.0] * 80
    whole = choose_horizons(seen(lost, [90.0] * 200), DAYS, 60, "account_churn")
    assert whole == (DAYS, 1, "")
    short = choose_horizons(seen(lost, [60.0] * 200), DAYS, 60, "account_churn")
    assert short.days == (30, 60)
    assert short.dropped == "90 days: too few examples were observed for so long"
    rare = choose_horizons(seen([75.0] * 29 + [5.0] * 90 + [45.0] * 40, [90.0] * 159), DAYS, 60, "")
    assert rare.days == (30, 60)


@pytest.mark.parametrize("requested", [(30, 60, 90), (90,), (30,)])
def test_the_label_s_own_horizon_is_always_there(requested: tuple[int, ...]) -> None:
    found = choose_horizons(seen([-1.0, 5.0], [60.0] * 2), requested, 60, "account_churn")
    assert found.days[found.target] == 60


def test_under_inactivity_a_horizon_below_the_silence_means_nothing() -> None:
    lost = [60.0] * 40 + [80.0] * 40 + [-1.0] * 80
    found = choose_horizons(seen(lost, [90.0] * 160), DAYS, 60, "inactivity")
    assert found.days == (60, 90)
    assert found.dropped == "30 days: shorter than the silence that counts as churn"
