"""After how long a silence an account has left: by the pauses of those that had not, alone."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.feedback_example_gen import living_gaps
from components.feedback_example_gen.living_gaps import ActiveLimit, propose_limit
from components.feedback_example_gen.reading.copy_columns import microseconds
from components.feedback_example_gen.reading.feedback_reader import Churn, Feedback
from tests.property_tests import cases

FIRST = datetime(2024, 1, 1, tzinfo=timezone.utc)
DAYS = 1_000
AS_OF = FIRST + timedelta(days=DAYS)

Accounts = list[tuple[list[float], list[float]]]
"""Of each account: the days on which it wrote, and those on which it churned."""


def columns(accounts: Accounts) -> tuple[Feedback, Churn]:
    first = microseconds(FIRST)
    rows = [np.sort(np.array(days)) for days, _ in accounts]
    moments = np.concatenate([np.empty(0), *rows])
    churns = [(number, day) for number, (_, days) in enumerate(accounts) for day in sorted(days)]
    feedback = Feedback(
        account_ids=pa.array([f"A{number:05d}".encode() for number in range(len(accounts))]),
        starts=np.cumsum([0, *map(len, rows)]),
        created_us=first + np.round(moments * 86_400e6).astype(np.int64),
        numbers={},
        strings={},
    )
    return feedback, Churn(
        account=np.array([number for number, _ in churns], np.int64),
        churned_us=first + np.array([round(day * 86_400e6) for _, day in churns], np.int64),
    )


def proposed(accounts: Accounts, *, by_date: bool = True, is_final: bool = False) -> ActiveLimit:
    feedback, churn = columns(accounts)
    return propose_limit(
        feedback, churn if by_date else None, FIRST, AS_OF, churn_is_final=is_final
    )


def writing(every: float, until: float, churns: list[float] | None = None) -> tuple:
    return list(np.arange(0.0, until, every)), churns or []


LIVING = [writing(20.0, DAYS)] * 40
LEFT = [writing(20.0, 300, [280 + 50.0 + number]) for number in range(30)]
ENDED = [writing(20.0, 200)] * 60


def test_the_limit_is_that_of_the_longest_silence_before_a_departure() -> None:
    found = proposed(LIVING + LEFT)
    assert found.days == 80  # 79 days, rounded up
    assert found.why is not None
    assert found.why.startswith("longer than all but 1% of ")
    assert found.why.endswith(" pauses and 30 churns")


def test_contracts_that_ended_without_a_date_do_not_move_it() -> None:
    assert proposed(LIVING + LEFT + ENDED).days == proposed(LIVING + LEFT).days
    assert proposed(LIVING + ENDED, by_date=False).days == 20


def test_rare_long_pauses_are_left_out_and_usual_ones_are_not() -> None:
    """20 pauses of 200 days among 71,200 days: beyond 164.4 days lie 712 of these."""
    seldom = [([0.0, 200.0], [])]
    assert proposed(LIVING * 4 + seldom, by_date=False).days == 20
    assert proposed(LIVING * 4 + seldom * 20, by_date=False).days == 170


def test_pauses_that_cannot_be_seen_as_a_whole_count_for_nothing() -> None:
    late = [([500.0, 900.0], [])] * 20
    assert proposed(LIVING * 4 + late, by_date=False).days == 20


WROTE = [float(day) for day in range(0, 300, 20)]


def test_between_a_churn_and_the_next_row_nobody_lived() -> None:
    back = [([*WROTE, 700.0], [280 + 20.0])] * 30
    assert proposed(LIVING + back).days == 20


@pytest.mark.parametrize(("is_final", "days"), [(False, 190), (True, 80)])
def test_where_a_churn_is_final_what_comes_after_it_says_nothing(is_final: bool, days: int) -> None:
    """79 days before the churn, and 200 between two rows after it, of which 1 % may be left out."""
    echo = [([*WROTE, 360.0, 560.0], [280 + 79.0])] * 30
    assert proposed(LIVING + echo, is_final=is_final).days == days


@pytest.mark.parametrize(
    ("accounts", "why"),
    [
        ([], "too few pauses are known: 0 of 200 needed"),
        (LIVING[:5], "too few pauses are known: 105 of 200 needed"),
        (LIVING, "too few churns are known: 0 of 20 needed"),
        (
            LIVING + [writing(20.0, 100, [90.0 + 650])] * 30,
            "accounts that had not left were silent for up to 660 days, and the history tells of "
            "silences up to 600 days",
        ),
    ],
)
def test_where_nothing_can_be_told_the_reason_is(accounts: Accounts, why: str) -> None:
    assert proposed(accounts) == ActiveLimit(None, why)


pauses = st.lists(st.floats(0, 400), min_size=1, max_size=60).filter(lambda found: sum(found) > 0)


@settings(max_examples=cases(200), deadline=None)
@given(pauses)
def test_the_limit_is_the_shortest_that_leaves_out_a_hundredth_of_the_moments(
    found: list[float],
) -> None:
    days = living_gaps._limit_of_moments(np.array(found))

    def left_out(limit: int) -> float:
        return sum(max(pause - limit, 0) for pause in found) / sum(found)

    assert left_out(days) <= 0.01 + 1e-9
    assert days == 0 or left_out(days - 1) > 0.01 - 1e-9


@settings(max_examples=cases(200), deadline=None)
@given(st.lists(st.floats(0, 400), min_size=1, max_size=300))
def test_few_churns_come_after_the_limit(found: list[float]) -> None:
    days = living_gaps._limit_of_churns(np.array(found))
    assert sum(silence > days for silence in found) <= 0.01 * len(found)
    assert days == 0 or sum(silence > days - 1 for silence in found) > 0.01 * len(found) - 1
