"""An independent reference: examples of an account by loops over plain Python rows."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

Row = dict[str, Any]
_TONES = ("negative", "neutral", "positive")
_ROUNDED = ("tenure_days", "age_days", "_count", "_last_event", "_typical", "_deviation")
_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


def reference_example(
    rows: list[Row],
    churns: list[datetime] | None,
    cutoff: datetime,
    lookback_days: int,
    horizon_days: int,
    max_events: int,
    known_until: datetime,
    active_within_days: int | None = None,
    churn_is_final: bool = False,
) -> Row | None:
    """Returns the example of one account, or None where it is not in the population.

    Args:
        rows: Its feedback, oldest first.
        churns: Its churn dates; None where the label is inactivity.
        cutoff: Of the example.
        lookback_days: As ExampleRules.
        horizon_days: As ExampleRules.
        max_events: As ExampleRules.
        known_until: What happens from this moment on is not known to the labels.
        active_within_days: As ExampleRules.
        churn_is_final: As ExampleRules.
    """
    seen = [row for row in rows if row["created_at"] < cutoff]
    if not seen:
        return None
    recent = [row for row in seen if row["created_at"] >= cutoff - lookback_days * _DAY]
    closes = cutoff + horizon_days * _DAY
    if active_within_days and seen[-1]["created_at"] < cutoff - active_within_days * _DAY:
        return None
    if churns is None:
        if not recent and not active_within_days:
            return None
        churned = not any(cutoff <= row["created_at"] < closes for row in rows)
        lost = _end_of_silence(rows, cutoff, horizon_days * _DAY, known_until)
    else:
        left = [moment for moment in churns if moment < cutoff]
        wrote_again = left and any(row["created_at"] > max(left) for row in seen)
        if left and (churn_is_final or not wrote_again):
            return None
        churned = any(cutoff <= moment < closes for moment in churns)
        later = [moment for moment in churns if cutoff <= moment < known_until]
        lost = min(later) + _TICK if later else None
    events = recent[-max_events:]
    return {
        "account_id": seen[-1]["account_id"],
        "customer_tier": seen[-1]["customer_tier"],
        "region": seen[-1]["region"],
        "cutoff": int(cutoff.timestamp()),
        "churned": int(churned),
        **_days_after(cutoff, lost, known_until),
        "tenure_days": (cutoff - seen[0]["created_at"]) / _DAY,
        "days_since_last_event": (cutoff - seen[-1]["created_at"]) / _DAY,
        "lifetime_count": len(seen),
        **{
            f"lifetime_{sentiment}_count": sum(row["sentiment"] == sentiment for row in seen)
            for sentiment in _TONES
        },
        **_life(seen, cutoff),
        "event_age_days": [(cutoff - row["created_at"]) / _DAY for row in events],
        "event_priority": [row["priority"] for row in events],
        "event_sentiment": [row["sentiment"] for row in events],
        "event_product_area": [row["product_area"] for row in events],
        "event_source": [row["source"] for row in events],
        "event_topic": [row["topic"] for row in events],
    }


def _life(seen: list[Row], cutoff: datetime) -> Row:
    """What all rows before the cutoff amount to, oldest first."""
    days = sorted({row["created_at"].date() for row in seen})
    gaps = [(after - before).days for before, after in pairwise(days)]
    half_year = [row for row in seen if row["created_at"] >= cutoff - 180 * _DAY]
    sources = sorted({row["source"].encode() for row in seen})
    newest = {row["source"]: row["created_at"] for row in seen}
    since = {row["sentiment"]: (cutoff - row["created_at"]) / _DAY for row in seen}
    return {
        "lifetime_event_days": len(days),
        "day_gap_typical": math.prod(gap + 1 for gap in gaps) ** (1 / max(len(gaps), 1)) - 1,
        "day_gap_longest": max(gaps, default=0),
        "day_gap_deviation": float(np.std(gaps)) if gaps else 0.0,
        **{f"days_since_{tone}": since.get(tone, -1.0) for tone in _TONES},
        "half_year_count": len(half_year),
        "half_year_negative_count": sum(row["sentiment"] == "negative" for row in half_year),
        "half_year_positive_count": sum(row["sentiment"] == "positive" for row in half_year),
        "lifetime_source": [source.decode() for source in sources],
        "lifetime_source_count": [
            sum(row["source"] == source.decode() for row in seen) for source in sources
        ],
        "days_since_source": [(cutoff - newest[source.decode()]) / _DAY for source in sources],
    }


def _end_of_silence(
    rows: list[Row], cutoff: datetime, length: timedelta, known_until: datetime
) -> datetime | None:
    """The first moment before which nothing was written for `length`, all since the cutoff."""
    known = [row["created_at"] for row in rows if cutoff <= row["created_at"] < known_until]
    for begin in [cutoff, *sorted(moment + _TICK for moment in known)]:
        if begin + length > known_until:
            return None
        if not any(begin <= moment < begin + length for moment in known):
            return begin + length
    raise AssertionError("the last one is followed by nothing")


def _days_after(cutoff: datetime, lost: datetime | None, known_until: datetime) -> dict[str, float]:
    """Both as float32 holds them: what was observed not longer, a loss not earlier."""
    days = _days(known_until - cutoff)
    observed = np.float32(float(days))
    if Fraction(float(observed)) > days:
        observed = np.nextafter(observed, np.float32(0))
    found = {"days_to_churn": -1.0, "days_observed": float(observed)}
    if lost is not None:
        days = _days(lost - cutoff)
        rounded = np.float32(float(days))
        if Fraction(float(rounded)) < days:
            rounded = np.nextafter(rounded, np.float32(1e9))
        # A loss may fall between what was observed and what float32 makes of it.
        if rounded <= observed:
            found["days_to_churn"] = float(rounded)
    return found


def _days(length: timedelta) -> Fraction:
    return Fraction(length // _TICK, _DAY // _TICK)


@pytest.fixture(scope="session")
def reference() -> Callable[..., Row | None]:
    return reference_example


@pytest.fixture(scope="session")
def assert_same() -> Callable[[Row, Row], None]:
    """Compares two examples: floats to float32's precision, all else exactly."""

    def compare(found: Row, expected: Row) -> None:
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            if name.endswith(_ROUNDED) or name.startswith("days_since_"):
                # Deviations of equal gaps are differences of large sums.
                value = pytest.approx(value, rel=1e-6, abs=1e-5 if "gap" in name else 1e-9)
            assert found[name] == value, name

    return compare
