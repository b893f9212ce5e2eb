"""The rows that stop the training are newer than those that are fitted."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving_model.learning.labelled_examples import LabelledExamples
from serving_model.learning.time_split import split_by_time
from transforms.event_spec import DAY_SECONDS


def examples(cutoff_days: list[int], accounts: int, churned: int) -> LabelledExamples:
    """All accounts at each cutoff, the first `churned` of them churned."""
    cutoffs = np.repeat(np.array(cutoff_days, np.int64) * DAY_SECONDS, accounts)
    labels = np.tile(np.arange(accounts) < churned, len(cutoff_days)).astype(np.float32)
    names = np.tile([f"{n:04d}".encode() for n in range(accounts)], len(cutoff_days))
    return LabelledExamples(
        *(np.zeros((len(labels), 1), np.float32), labels, cutoffs, names.astype(object)),
        days_to_churn=np.where(labels == 1, 7, -1).astype(np.float32),
        days_observed=np.full(len(labels), 14, np.float32),
    )


def days(chosen: LabelledExamples, rows: np.ndarray) -> list[int]:
    return sorted(set((chosen.cutoffs[rows] // DAY_SECONDS).tolist()))


def test_label_windows_of_fitted_cutoffs_close_before_the_newest() -> None:
    given_ = examples(list(range(0, 12 * 14, 14)), accounts=100, churned=40)
    split = split_by_time(given_, horizon_days=60)
    assert days(given_, split.stop) == [154]
    assert days(given_, split.fit) == [0, 14, 28, 42, 56, 70, 84]


def test_a_window_that_closes_at_the_newest_cutoff_is_closed() -> None:
    given_ = examples([0, 30, 60], accounts=100, churned=40)
    assert days(given_, split_by_time(given_, horizon_days=60).fit) == [0]


def test_rare_churn_takes_more_cutoffs_but_at_most_a_third() -> None:
    given_ = examples(list(range(0, 12 * 14, 14)), accounts=100, churned=12)
    assert days(given_, split_by_time(given_, 14).stop) == [126, 140, 154]
    rarer = examples(list(range(0, 12 * 14, 14)), accounts=100, churned=1)
    assert days(rarer, split_by_time(rarer, 14).stop) == [112, 126, 140, 154]


def test_without_a_closed_window_all_older_cutoffs_are_fitted() -> None:
    given_ = examples([0, 14, 28], accounts=100, churned=40)
    split = split_by_time(given_, horizon_days=60)
    assert days(given_, split.stop) == [28]
    assert days(given_, split.fit) == [0, 14]
    assert "open" in split.how


def test_with_one_cutoff_the_accounts_are_divided() -> None:
    given_ = examples([0], accounts=100, churned=40)
    split = split_by_time(given_, horizon_days=60)
    assert len(split.stop) == 20
    assert len(split.fit) == 80


@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=12, unique=True),
    st.integers(2, 80),
    st.integers(1, 80),
    st.integers(1, 120),
)
def test_parts_are_disjoint_and_never_empty(
    cutoff_days: list[int], accounts: int, churned: int, horizon: int
) -> None:
    given_ = examples(sorted(cutoff_days), accounts, min(churned, accounts - 1))
    split = split_by_time(given_, horizon)
    assert len(split.fit) > 0
    assert len(split.stop) > 0
    assert not set(split.fit) & set(split.stop)
