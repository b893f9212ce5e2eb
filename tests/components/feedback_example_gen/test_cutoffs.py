"""Labels come from closed windows only, and training never sees what evaluation is judged by."""

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import DataGateStopped
from components.feedback_example_gen.churn_rhythm import FIRST_MOMENT, KnownChurn
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.feedback_example_gen.cutoffs import (
    EVAL,
    SCORE,
    SPLITS,
    TRAIN,
    CutoffPlan,
    plan_cutoffs,
)

FIRST = datetime(2023, 1, 1, 17, 3, 2, 5, tzinfo=timezone.utc)
WINDOWS = FeedbackExampleGenConfig(
    lookback_days=180, horizon_days=60, cutoff_interval_days=14, max_training_cutoffs=12
)

windows = st.builds(
    FeedbackExampleGenConfig,
    lookback_days=st.integers(1, 400),
    horizon_days=st.integers(1, 200),
    cutoff_interval_days=st.integers(1, 60),
    max_training_cutoffs=st.integers(1, 30),
)
long_enough = windows.flatmap(
    lambda one: st.tuples(
        st.timedeltas(days(one.days_needed), days(one.days_needed + 1500)), st.just(one)
    )
)
too_short = windows.flatmap(
    lambda one: st.tuples(
        st.timedeltas(timedelta(seconds=1), days(one.days_needed) - timedelta(microseconds=1)),
        st.just(one),
    )
)


def days(count: float) -> timedelta:
    return timedelta(days=count)


@given(long_enough)
def test_windows_are_closed_and_ordered(case: tuple[timedelta, FeedbackExampleGenConfig]) -> None:
    history, windows = case
    as_of = FIRST + history
    plan = plan_cutoffs(as_of, FIRST, windows, SPLITS)
    horizon, interval = days(windows.horizon_days), days(windows.cutoff_interval_days)
    assert plan.score == (as_of,)
    assert [cutoff + horizon for cutoff in plan.eval] == [as_of]
    assert max(plan.train) + horizon == plan.eval[0]
    known = {split: plan.known_until(split, FIRST) for split in SPLITS}
    assert known == {TRAIN: plan.eval[0], EVAL: as_of, SCORE: None}
    assert all(cutoff - days(windows.lookback_days) >= FIRST for cutoff in plan.train)
    assert list(plan.train) == sorted(set(plan.train))
    steps = zip(plan.train, plan.train[1:], strict=False)
    assert all(later - earlier == interval for earlier, later in steps)
    assert len(plan.train) <= windows.max_training_cutoffs
    if len(plan.train) < windows.max_training_cutoffs:
        assert plan.train[0] - interval - days(windows.lookback_days) < FIRST


@given(too_short)
def test_a_short_history_is_told_what_fits(
    case: tuple[timedelta, FeedbackExampleGenConfig],
) -> None:
    history, windows = case
    as_of = FIRST + history
    with pytest.raises(DataGateStopped) as stopped:
        plan_cutoffs(as_of, FIRST, windows, SPLITS)
    message = str(stopped.value)
    assert f"it has {history.days} days" in message
    assert f"and {windows.days_needed} are needed" in message
    lookback = re.search(r"TENS_INSIGHT_LOOKBACK_DAYS=(-?\d+)", message)
    horizon = re.search(r"TENS_INSIGHT_HORIZON_DAYS=(-?\d+)", message)
    if lookback is None or horizon is None:
        assert "collect feedback for longer" in message
        assert history.days < 5 * min(windows.horizon_days, 7)
        return
    proposed = replace(windows, lookback_days=int(lookback[1]), horizon_days=int(horizon[1]))
    assert 1 <= proposed.lookback_days <= windows.lookback_days
    assert 1 <= proposed.horizon_days <= windows.horizon_days
    assert plan_cutoffs(as_of, FIRST, proposed, SPLITS).train


def test_the_defaults_need_three_hundred_days() -> None:
    assert WINDOWS.days_needed == 300
    plan = plan_cutoffs(FIRST + days(300), FIRST, WINDOWS, SPLITS)
    assert plan.train == (FIRST + days(180),)
    with pytest.raises(DataGateStopped, match=r"LOOKBACK_DAYS=180 .*HORIZON_DAYS=59"):
        plan_cutoffs(FIRST + days(300) - timedelta(microseconds=1), FIRST, WINDOWS, SPLITS)


def test_scoring_alone_asks_for_no_history() -> None:
    as_of = FIRST + timedelta(hours=1)
    assert plan_cutoffs(as_of, FIRST, WINDOWS, [SCORE]) == CutoffPlan(score=(as_of,))


def test_only_the_splits_asked_for_are_planned() -> None:
    plan = plan_cutoffs(FIRST + days(400), FIRST, WINDOWS, [TRAIN, EVAL])
    assert plan.score == ()
    assert plan == replace(plan_cutoffs(FIRST + days(400), FIRST, WINDOWS, SPLITS), score=())
    assert [split for split, _ in plan] == [TRAIN] * len(plan.train) + [EVAL]
    assert len(plan.train) == 8


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=6, unique=True),
    st.integers(360, 440),
)
def test_cutoffs_by_name_are_taken_as_they_are(ages: list[int], age: int) -> None:
    named = replace(
        WINDOWS,
        training_cutoffs=tuple(FIRST + days(age) for age in ages),
        eval_cutoff=FIRST + days(age),
    )
    plan = plan_cutoffs(FIRST + days(500), FIRST, named, SPLITS)
    assert plan.train == tuple(FIRST + days(age) for age in sorted(ages))
    assert plan.eval == (FIRST + days(age),)
    assert plan.score == (FIRST + days(500),)


def test_regular_cutoffs_precede_an_evaluation_by_name() -> None:
    named = replace(WINDOWS, eval_cutoff=FIRST + days(300))
    plan = plan_cutoffs(FIRST + days(500), FIRST, named, SPLITS)
    assert plan.train[-1] == FIRST + days(240)
    assert len(plan.train) == 5


@pytest.mark.parametrize(
    ("train", "evaluation", "said"),
    [
        ([200], 441, r"until 2024-05-16 .* needed by 2024-05-15 .*TENS_INSIGHT_EVAL_CUTOFF"),
        ([200, 301], 360, r"until 2023-12-28 .* needed by 2023-12-27 .*_TRAINING_CUTOFFS"),
        ([0], 360, "has no history: the oldest feedback is of 2023-01-01 .*_TRAINING_CUTOFFS"),
        ([200], 0, "has no history: the oldest feedback is of 2023-01-01 .*_EVAL_CUTOFF"),
    ],
)
def test_a_named_cutoff_that_is_not_closed_is_refused(
    train: list[int], evaluation: int, said: str
) -> None:
    named = replace(
        WINDOWS,
        training_cutoffs=tuple(FIRST + days(age) for age in train),
        eval_cutoff=FIRST + days(evaluation),
    )
    with pytest.raises(DataGateStopped, match=said):
        plan_cutoffs(FIRST + days(500), FIRST, named, SPLITS)


def test_scoring_alone_ignores_named_cutoffs() -> None:
    named = replace(WINDOWS, training_cutoffs=(FIRST,), eval_cutoff=FIRST)
    as_of = FIRST + days(1)
    assert plan_cutoffs(as_of, FIRST, named, [SCORE]) == CutoffPlan(score=(as_of,))


AS_OF = FIRST + days(500)


def hidden(*intervals: tuple[float, float]) -> KnownChurn:
    """Churn that nobody recorded in some intervals, in days after FIRST."""
    return KnownChurn(tuple((FIRST + days(begin), FIRST + days(end)) for begin, end in intervals))


@pytest.mark.parametrize(
    "churn",
    [
        hidden((460, 500)),
        hidden((250, 290)),
        hidden((-999, 230)),
        hidden((200, 210), (490, 500)),
    ],
)
def test_no_label_window_lies_where_churn_was_not_recorded(churn: KnownChurn) -> None:
    plan = plan_cutoffs(AS_OF, FIRST, WINDOWS, SPLITS, churn)
    horizon = days(WINDOWS.horizon_days)
    for split, cutoff in plan:
        if split == SCORE:
            continue
        assert churn.hidden_in(cutoff, cutoff + horizon) is None
        known_until = plan.known_until(split, cutoff)
        assert known_until is not None
        assert cutoff + horizon <= known_until
        assert churn.hidden_in(cutoff, known_until) is None
    assert plan.score == (AS_OF,)
    assert max(plan.train) + horizon <= plan.eval[0]
    assert plan != replace(plan_cutoffs(AS_OF, FIRST, WINDOWS, SPLITS), churn=churn)


def test_the_evaluation_moves_before_the_end_of_what_is_known() -> None:
    plan = plan_cutoffs(AS_OF, FIRST, WINDOWS, SPLITS, hidden((460, 500)))
    assert plan.eval == (FIRST + days(400),)
    assert max(plan.train) == FIRST + days(340)
    # The hole is too near to the end for an evaluation after it.
    plan = plan_cutoffs(AS_OF, FIRST, WINDOWS, SPLITS, hidden((410, 450)))
    assert plan.eval == (FIRST + days(350),)


def test_too_little_known_churn_is_said() -> None:
    with pytest.raises(DataGateStopped, match="account_churn does not know who left from 2023-08"):
        plan_cutoffs(AS_OF, FIRST, WINDOWS, SPLITS, hidden((240, 500)))
    with pytest.raises(DataGateStopped, match="know who left until 2024-04-"):
        plan_cutoffs(
            AS_OF, FIRST, WINDOWS, SPLITS, KnownChurn(((FIRST_MOMENT, FIRST + days(470)),))
        )


@pytest.mark.parametrize("setting", ["EVAL_CUTOFF", "TRAINING_CUTOFFS"])
def test_a_cutoff_by_name_must_be_known(setting: str) -> None:
    moment = FIRST + days(300)
    value = moment if setting == "EVAL_CUTOFF" else (moment,)
    named = replace(WINDOWS, **{setting.lower(): value})
    said = f"everybody would seem to have stayed. Correct TENS_INSIGHT_{setting}"
    with pytest.raises(DataGateStopped, match=said):
        plan_cutoffs(AS_OF, FIRST, named, SPLITS, hidden((350, 360)))
