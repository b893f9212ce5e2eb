"""Leavers found by calls, against every order in which accounts could be called."""

from fractions import Fraction
from itertools import groupby, permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.model_review.sections.estimates import SectionMissing
from components.model_review.sections.gains import SHARES, gains_of, lifts, ranked
from tests.components.model_review.judgements import drawn, predictions

FEW = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.3, 0.6])), min_size=1, max_size=7
).filter(lambda pairs: any(label for label, _ in pairs))
Pairs = list[tuple[int, float]]


def found_by_calls(pairs: Pairs) -> list[Fraction]:
    """Leavers among the first k called, k from 0: the mean over all orders by probability."""
    by_probability = sorted(pairs, key=lambda pair: -pair[1])
    groups = [
        [label for label, _ in group] for _, group in groupby(by_probability, lambda pair: pair[1])
    ]
    orders = [
        np.cumsum([0, *sum(order, ())])
        for order in product(*(list(permutations(group)) for group in groups))
    ]
    return [Fraction(int(sum(column)), len(orders)) for column in zip(*orders, strict=True)]


@given(FEW)
def test_the_curve_is_the_mean_over_all_orders(pairs: Pairs) -> None:
    labels, found = zip(*pairs, strict=True)
    gains = gains_of(predictions(labels, challenger=found))
    expected = [float(one / sum(labels)) for one in found_by_calls(pairs)]
    shares = np.arange(len(pairs) + 1) / len(pairs)
    curve = gains.curves[0]
    np.testing.assert_allclose(np.interp(shares, curve.x, curve.y), expected, atol=1e-9)
    assert (gains.accounts, gains.churned) == (len(pairs), sum(labels))


@given(FEW)
def test_calls_for_half_are_the_fewest_that_find_half_in_the_mean(pairs: Pairs) -> None:
    labels, found = zip(*pairs, strict=True)
    (half,) = gains_of(predictions(labels, challenger=found)).contacts_for_half
    enough = [calls for calls, one in enumerate(found_by_calls(pairs)) if 2 * one >= sum(labels)]
    assert (half.model, half.accounts) == ("challenger", enough[0])
    assert half.share == pytest.approx(enough[0] / len(pairs))


def mean_lift(labels: np.ndarray, found: np.ndarray, share: float) -> float:
    """Of accounts with one probability, the called have the share of leavers that all have."""
    calls = round(share * len(labels))
    threshold = np.sort(found)[::-1][calls - 1]
    above, tied = found > threshold, found == threshold
    among = (calls - above.sum()) * labels[tied].mean()
    return float((labels[above].sum() + among) / labels.sum() / share)


@pytest.mark.parametrize("digits", [1, 2, 9])
def test_lift_is_the_share_of_leavers_among_the_called_over_that_of_all(digits: int) -> None:
    sample = drawn(1_000)
    labels, found = sample.labels, np.round(sample.models["challenger"], digits)
    lift = dict(gains_of(predictions(labels, challenger=found, constant=found)).lift)
    assert tuple(lift) == SHARES
    for share, estimate in lift.items():
        assert estimate.value == pytest.approx(mean_lift(labels, found, share))


def test_the_interval_of_a_lift_is_that_of_resampled_accounts() -> None:
    sample = drawn(1_000)
    labels, found = sample.labels, sample.models["challenger"]
    drawings = np.random.default_rng(99).integers(1_000, size=(1_000, 1_000))
    for share, estimate in gains_of(sample).lift:
        calls, resampled = round(share * 1_000), []
        for rows in drawings:
            first = labels[rows][np.argsort(-found[rows])][:calls]
            resampled.append(first.mean() / labels[rows].mean())
        low, high = np.quantile(resampled, [0.025, 0.975])
        assert estimate.interval == pytest.approx((low, high), abs=0.06 * (high - low))


@given(FEW, st.data())
def test_a_weight_is_an_account_that_is_there_several_times(pairs: Pairs, data: st.DataObject):
    labels, found = (np.array(column, dtype=np.float64) for column in zip(*pairs, strict=True))
    counts = st.lists(st.integers(0, 3), min_size=len(pairs), max_size=len(pairs))
    weights = np.array(data.draw(counts))
    order, ends = ranked(found)
    (row,) = lifts(labels[order], ends, weights[order][None].astype(np.float32), (0.25, 1.0))
    if not (labels * weights).any():
        assert np.isnan(row).all()
        return
    repeated = [pair for pair, times in zip(pairs, weights, strict=True) for _ in range(times)]
    expected = np.array([float(one) for one in _mean_found(repeated)])
    at_a_quarter = np.interp(len(repeated) / 4, np.arange(len(expected)), expected)
    np.testing.assert_allclose(row, [4 * at_a_quarter / expected[-1], 1])


def _mean_found(pairs: Pairs) -> list[Fraction]:
    """The mean over all orders, group by group: each call finds the group's share of leavers."""
    found = [Fraction(0)]
    for _, group in groupby(sorted(pairs, key=lambda pair: -pair[1]), lambda pair: pair[1]):
        labels = [label for label, _ in group]
        for _ in labels:
            found.append(found[-1] + Fraction(int(sum(labels)), len(labels)))
    return found


def test_who_ranks_nobody_calls_half_for_half() -> None:
    gains = gains_of(drawn(1_001))
    halves = {half.model: half for half in gains.contacts_for_half}
    assert list(halves) == ["challenger", "champion", "constant"]
    assert halves["constant"].accounts == 501
    assert halves["challenger"].accounts < halves["champion"].accounts < 400
    constant = gains.curves[-1]
    assert (constant.model, constant.x, constant.y) == ("constant", (0, 1), (0, 1))


def test_where_nobody_left_there_is_nobody_to_find() -> None:
    with pytest.raises(SectionMissing, match="None of the 2 accounts"):
        gains_of(predictions([0, 0], challenger=[0.1, 0.2]))
