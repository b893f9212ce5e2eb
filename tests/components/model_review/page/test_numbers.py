"""Numbers and dates are written for people."""

import math

import pytest

from components.page import numbers

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0%"),
        (1.0, "100%"),
        (0.2163, "21.6%"),
        (0.00712, "0.71%"),
        (0.00001, "under 0.01%"),
        (-0.05, f"{MINUS}5.0%"),
        (None, "not known"),
        (math.nan, "not known"),
    ],
)
def test_shares_are_percentages(value: float | None, text: str) -> None:
    assert numbers.share(value) == text


@pytest.mark.parametrize(
    ("value", "text", "signed"),
    [
        (0.81234, "0.8123", "+0.8123"),
        (-0.02, f"{MINUS}0.0200", f"{MINUS}0.0200"),
        (0.0, "0.0000", "0.0000"),
        (-0.00001, f"{MINUS}0.0000", "0.0000"),
        (None, "not known", "not known"),
        (math.inf, "not known", "not known"),
    ],
)
def test_metrics_have_four_decimals(value: float | None, text: str, signed: str) -> None:
    assert numbers.metric(value) == text
    assert numbers.difference(value) == signed


def test_intervals_do_not_break_into_lines() -> None:
    assert numbers.ends((0.1, 0.2)) == "0.1000\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}0.2000"
    assert numbers.ends(None) == ""
    assert numbers.ends((0.1, 0.2), numbers.share).startswith("10.0%")


def test_counts_have_separators() -> None:
    assert numbers.count(1_234_567) == "1,234,567"
    assert numbers.count(None) == "not known"
    assert numbers.counted(1, "call", "calls") == "1 call"
    assert numbers.counted(1_000, "call", "calls") == "1,000 calls"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-11-27T06:30:00+00:00", "2026-11-27 06:30 UTC"),
        ("2026-11-27T06:30:00Z", "2026-11-27 06:30 UTC"),
        ("2026-11-27T06:30:00+02:00", "2026-11-27 04:30 UTC"),
        ("2026-11-27", "2026-11-27 00:00 UTC"),
        ("", "not known"),
        ("soon", "soon"),
    ],
)
def test_moments_are_in_utc(text: str, read: str) -> None:
    assert numbers.moment(text) == read


def test_moments_within_a_text_are_written_likewise() -> None:
    text = "as of 2026-06-01T00:00:00+00:00: 3 rows, run 2026-06-01T02:36:51.204117"
    read = "as of 2026-06-01 00:00 UTC: 3 rows, run 2026-06-01T02:36:51.204117"
    assert numbers.moments_in(text) == read


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.44, "2.4 s"), (59.96, "1 min 0 s"), (192, "3 min 12 s"), (3_840, "1 h 4 min")],
)
def test_durations_are_in_the_units_of_a_clock(seconds: float, text: str) -> None:
    assert numbers.duration(seconds) == text


def test_what_was_not_measured_is_not_known() -> None:
    assert numbers.duration(None) == numbers.memory(None) == "not known"
    assert numbers.memory(1_024.4) == "1,024 MiB"
