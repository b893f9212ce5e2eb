"""Folds go forward in time, and what is fitted knows nothing of what is measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_model.learning.folds import ACCOUNT_FOLDS, MOST_FOLDS, seen_at, time_folds
from serving_model.learning.labelled_examples import LabelledExamples
from transforms.event_spec import DAY_SECONDS


def examples(cutoff_days: list[int], accounts: int, churned: int, horizon: int) -> LabelledExamples:
    """All accounts at each cutoff: the first churned within the horizon, all others later."""
    cutoffs = np.repeat(np.array(cutoff_days, np.int64) * DAY_SECONDS, accounts)
    number = np.tile(np.arange(accounts), len(cutoff_days))
    names = np.array([f"{n:04d}".encode() for n in number], object)
    observed = (max(cutoff_days) + horizon - cutoffs // DAY_SECONDS).astype(np.float32)
    days = np.where(number < churned, horizon * 0.5, horizon + 1 + number % 60)
    to_churn = np.where(days <= observed, days, -1).astype(np.float32)
    return LabelledExamples(
        features=np.zeros((len(names), 1), np.float32),
        labels=(number < churned).astype(np.float32),
        cutoffs=cutoffs,
        accounts=names,
        days_to_churn=to_churn,
        days_observed=observed,
    )


def days_of(part: LabelledExamples) -> list[int]:
    return sorted(set((part.cutoffs // DAY_SECONDS).tolist()))


@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=14, unique=True),
    st.integers(1, 90),
)
def test_nothing_that_is_measured_is_known_to_what_is_fitted(days: list[int], horizon: int) -> None:
    found = time_folds(examples(sorted(days), 90, 35, horizon), horizon)
    assert found.folds
    for fit, measured in found.folds:
        (day,) = days_of(measured)
        assert len(fit.labels)
        if "by time" in found.how:
            assert max(days_of(fit)) + horizon <= day
            ends = fit.cutoffs / DAY_SECONDS + fit.days_observed
            assert (ends <= day).all()
            assert (fit.days_to_churn <= fit.days_observed).all()
        else:
            assert not set(fit.accounts) & set(measured.accounts)
            assert day == max(days)


def test_the_newest_cutoffs_are_measured() -> None:
    found = time_folds(examples(list(range(0, 12 * 14, 14)), 100, 40, 60), 60)
    assert [days_of(fold.measured) for fold in found.folds] == [[154], [140], [126]]
    assert [max(days_of(fold.fit)) for fold in found.folds] == [84, 70, 56]
    assert found.how.startswith(f"{MOST_FOLDS} by time")


@pytest.mark.parametrize(("days", "fitted"), [([0, 14, 28], [0, 14]), ([14], [14])])
def test_too_few_cutoffs_are_divided_by_account(days: list[int], fitted: list[int]) -> None:
    given_ = examples(days, 99, 40, 60)
    found = time_folds(given_, 60)
    assert found.how.startswith(f"{ACCOUNT_FOLDS} by account")
    assert all(days_of(fold.fit) == fitted for fold in found.folds)
    measured = np.concatenate([fold.measured.accounts for fold in found.folds])
    assert sorted(measured) == sorted(set(given_.accounts))


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="too little of both outcomes"):
        time_folds(examples([14], 99, 0, 60), 60)


def test_a_loss_after_the_moment_is_not_seen() -> None:
    given_ = examples([0, 200], accounts=70, churned=10, horizon=60)
    found = seen_at(given_, 100 * DAY_SECONDS)
    first = given_.cutoffs == 0
    assert set(found.days_observed[first]) == {100}
    later = first & (given_.days_to_churn > 100)
    assert later.any()
    assert set(found.days_to_churn[later]) == {-1}
    kept = first & ~later
    np.testing.assert_array_equal(found.days_to_churn[kept], given_.days_to_churn[kept])
