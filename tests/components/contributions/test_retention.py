"""What is kept a year later is known on the first day, and does not change."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.contributions.retention import NEWEST, Dated, Retention, expired

START = datetime(2026, 1, 1, 0, 0, tzinfo=timezone.utc)
RULE = Retention()


def live(moments: list[tuple[float, bool]], rule: Retention = RULE) -> list[set[int]]:
    """Publishes day after day and drops as a run does; returns what is kept after each."""
    kept: list[Dated] = []
    after = []
    for number, (day, undone) in enumerate(moments):
        kept.append(Dated(number, START + timedelta(days=day), undone))
        gone = set(expired(kept, rule))
        kept = [one for one in kept if one.publication_id not in gone]
        after.append({one.publication_id for one in kept})
    return after


def test_a_year_of_days_keeps_days_weeks_and_months() -> None:
    days = live([(day, False) for day in range(500)])
    last = days[-1]
    assert {*range(492, 500)} <= last
    dates = {number: START + timedelta(days=number) for number in last}
    mondays = [one for one, at in dates.items() if at.isoweekday() == 1 and 429 < one < 492]
    firsts = [one for one, at in dates.items() if at.day == 1]
    assert len(mondays) == 9
    assert len(firsts) == 13
    assert last == {*range(492, 500), *mondays, *firsts}
    assert max(map(len, days)) <= 8 + 10 + 14


def test_what_is_dropped_never_is_the_one_of_its_week_or_month() -> None:
    """The same one is kept from its first day to its last: nothing is kept instead of it later."""
    days = live([(day, False) for day in range(500)])
    for number in range(400):
        at = START + timedelta(days=number)
        seen = [number in kept for kept in days[number:]]
        lasting = seen.index(False) if False in seen else len(seen)
        assert not any(seen[lasting:])
        expected = 400 if at.day == 1 else 70 if at.isoweekday() == 1 or number == 0 else 8
        assert lasting == min(expected, 500 - number)


@given(st.lists(st.tuples(st.floats(0, 900), st.booleans()), min_size=1, max_size=40))
def test_any_rhythm_keeps_the_newest_two_and_each_week(given: list[tuple[float, bool]]) -> None:
    days = live(sorted(given))
    moments = sorted(given)
    counted = [number for number, (_, undone) in enumerate(moments) if not undone]
    assert set(counted[-NEWEST:]) <= days[-1]
    newest = moments[-1][0]
    recent = {
        (START + timedelta(days=moments[number][0])).isocalendar()[:2]
        for number in counted
        if moments[number][0] > newest - 56
    }
    kept = {
        (START + timedelta(days=moments[number][0])).isocalendar()[:2]
        for number in days[-1]
        if not moments[number][1]
    }
    assert recent <= kept


def test_undone_ones_are_kept_for_the_last_days_alone() -> None:
    ids = [Dated(0, START, True), Dated(1, START, False), Dated(2, START + timedelta(9), False)]
    assert expired(ids, RULE) == [0]
    assert expired([], RULE) == []


@pytest.mark.parametrize("rule", [Retention(1, 0, 1), Retention(3, 2, 100)])
def test_settings_say_how_long(rule: Retention) -> None:
    last = live([(day, False) for day in range(200)], rule)[-1]
    oldest = min(last)
    assert 199 - rule.months_for_days < oldest if rule.months_for_days > 1 else oldest == 198
