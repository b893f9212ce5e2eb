"""An export that stopped is told from one that goes on, by its own rhythm."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from components.feedback_example_gen.churn_rhythm import (
    ALARM,
    ALL_KNOWN,
    FIRST_MOMENT,
    ChurnRhythm,
    alarm_factor,
    rhythm_of,
)

SINCE = datetime(2024, 1, 1, tzinfo=timezone.utc)
AS_OF = datetime(2025, 1, 1, 6, tzinfo=timezone.utc)


def day(number: float) -> datetime:
    return SINCE + timedelta(days=number)


def rhythm(days: list[float], as_of: datetime = AS_OF, allowed_days: int = 14) -> ChurnRhythm:
    return rhythm_of([day(number) for number in days], SINCE, as_of, allowed_days)


@pytest.mark.parametrize("gaps", [1, 4, 30])
@pytest.mark.parametrize("probability", [0.005, 0.2])
def test_the_factor_has_the_probability_that_it_says(gaps: int, probability: float) -> None:
    dice = np.random.default_rng(gaps)
    drawn = dice.exponential(size=(400_000, gaps + 1))
    longer = drawn[:, 0] > alarm_factor(gaps, probability) * drawn[:, 1:].max(axis=1)
    assert longer.mean() == pytest.approx(probability, rel=0.06)


@pytest.mark.parametrize("every", [1, 7, 30])
def test_a_steady_export_is_known_until_now(every: int) -> None:
    found = rhythm([*range(0, 366, every)])
    assert found.known == ALL_KNOWN
    assert (found.longest_gap_days, found.holes) == (every, ())
    assert found.age_days is not None
    assert found.limit_days is not None
    assert found.age_days <= found.limit_days


@pytest.mark.parametrize("every", [1, 7])
def test_an_export_that_stopped_is_known_until_its_newest_date(every: int) -> None:
    days = [*range(0, 366 - 40, every)]
    found = rhythm(days)
    assert found.known.unknown == ((day(days[-1]), AS_OF),)
    assert found.known.end(AS_OF) == day(days[-1])
    assert found.age_days == 366 - days[-1]
    assert found.age_days > (found.limit_days or 999)


def test_labels_are_stricter_than_the_alarm() -> None:
    found = rhythm([*range(0, 361)])
    assert found.known.end(AS_OF) == day(360)
    assert found.age_days == 6
    assert found.limit_days == 14


def test_an_allowed_age_is_no_alarm() -> None:
    assert rhythm([*range(0, 326)], allowed_days=45).limit_days == 45


def test_a_hole_is_found_and_does_not_make_long_gaps_usual() -> None:
    found = rhythm([*range(0, 100), *range(140, 366)])
    assert found.holes == ((day(99), day(140)),)
    assert (found.longest_gap_days, found.limit_days) == (1, 14)
    assert found.known.hidden_in(day(90), day(95)) is None
    assert found.known.hidden_in(day(90), day(100)) == (day(99), day(140))
    assert found.known.hidden_in(day(140), day(200)) is None
    assert found.known.known_from(day(50), AS_OF) == day(99)
    assert found.known.known_from(day(200), AS_OF) == AS_OF
    assert found.known.end(AS_OF) == AS_OF


def test_an_export_that_begins_late_knows_nothing_of_before() -> None:
    found = rhythm([*range(100, 366)])
    assert found.known.unknown == ((FIRST_MOMENT, day(100)),)


def test_what_lies_before_any_label_is_no_part_of_the_rhythm() -> None:
    found = rhythm([-150, -90, -31, *range(0, 366)])
    assert (found.longest_gap_days, found.known, found.holes) == (1, ALL_KNOWN, ())


def test_an_export_that_stopped_before_any_label_has_the_rhythm_of_before() -> None:
    found = rhythm([*range(-150, -50, 10)])
    assert (found.gaps, found.longest_gap_days, found.age_days) == (9, 10, 426)
    assert found.limit_days is not None
    assert found.limit_days < 100
    assert found.known.hidden_in(day(0), day(1)) is not None


@pytest.mark.parametrize("days", [[], [5], [5, 6, 7]])
def test_few_dates_have_no_rhythm(days: list[float]) -> None:
    found = rhythm(days)
    assert (found.limit_days, found.known) == (None, ALL_KNOWN)


def test_steady_churn_is_seldom_taken_for_an_end() -> None:
    dice, alarms, moved, asked = np.random.default_rng(8), 0, 0, 0
    for _ in range(40):
        days = np.cumsum(dice.exponential(5.0, 140))
        for number in range(60, 130):
            as_of = day(days[number] - 0.001)
            found = rhythm([*days[:number]], as_of, allowed_days=1)
            asked += 1
            alarms += found.age_days is not None and found.age_days > (found.limit_days or 0)
            moved += found.known != ALL_KNOWN
    assert 0 < alarms / asked < 2 * ALARM
    assert moved / asked < 0.05
