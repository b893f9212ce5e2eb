"""Pictures can be read by day and in the dark, whatever they are drawn from."""

from datetime import datetime, timedelta, timezone

import pytest
from markupsafe import Markup

from components.model_review.page.charts.intervals import Measured, intervals
from components.model_review.sections.estimates import Estimate
from components.page import theme
from components.page.over_time import At, Line, over_time
from components.page.picture import short_name
from components.page.stacked import Stack, stacked
from components.page.words import visible
from tests.components.model_review.page.reading import elements, page_of
from tests.components.model_review.sample_reviews import blessed, not_blessed, stopped

pytestmark = pytest.mark.xdist_group(name="pages")

WORDS = ["ink", "muted", "challenger", "champion", "good", "bad", "warn"]


def luminance(colour: str) -> float:
    """As WCAG 2.2 defines it."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    parts = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", [theme.GROUND, theme.PANEL])
@pytest.mark.parametrize("name", WORDS)
def test_words_stand_out(name: str, ground: theme.Tone) -> None:
    tone = theme.TONES[name]
    assert contrast(tone.day, ground.day) >= 4.5
    assert contrast(tone.night, ground.night) >= 4.5


def test_lines_of_pictures_stand_out() -> None:
    assert contrast(theme.BASELINE.day, theme.GROUND.day) >= 3
    assert contrast(theme.BASELINE.night, theme.GROUND.night) >= 3


def test_a_colour_of_the_day_has_one_of_the_night() -> None:
    assert len({tone.day for tone in theme.TONES.values()}) == len(theme.TONES)


@pytest.mark.parametrize("make", [blessed, not_blessed, stopped])
def test_pictures_have_no_colour_that_the_dark_does_not_know(make: object) -> None:
    known = {tone.day for tone in theme.TONES.values()} | {"none", "transparent"}
    for one in elements(page_of(make)):
        if one.in_picture:
            for name in ("fill", "stroke"):
                assert one.attributes.get(name, "none") in known, one


def test_long_names_are_cut_and_blanks_do_not_count() -> None:
    assert short_name("a" * 30) == "a" * 30
    assert short_name("a" * 31) == "a" * 29 + "\N{HORIZONTAL ELLIPSIS}"
    assert short_name(" a \n b ") == "a b"


@pytest.mark.parametrize("name", ["W" * n + "🦄" * 12 for n in (16, 17, 18)], ids=len)
def test_a_name_that_is_cut_within_an_emoji_does_not_cost_the_picture(name: str) -> None:
    found = intervals([Measured(name, Estimate(0.5))], x="AUC", label="AUC")
    assert ">WWWWWWWWWWWWWW" in found


def test_what_is_no_number_is_not_drawn() -> None:
    nan = float("nan")
    rows = [Measured("a", Estimate(nan)), Measured("b", Estimate(0.5, (nan, 0.7)))]
    found = intervals(rows, x="AUC", label="AUC")
    assert ">b</text>" in found
    assert ">a</text>" not in found
    assert "NaN" not in found
    assert intervals([], x="AUC", label="AUC", bars=True).startswith("<svg")


def test_control_characters_are_seen() -> None:
    assert visible("a\x00b\x1f\x7f\x85\ud800c") == "a" + "\ufffd" * 1 + "b" + "\ufffd" * 4 + "c"
    assert visible("tab\t, é, 日本, 🦄") == "tab\t, é, 日本, 🦄"


def test_bars_of_parts_have_a_piece_for_each_and_names_that_are_cut_alike_stay_apart() -> None:
    long = "a name that is far too long for the axis"
    bars = [Stack(long + "1", (10, 0, 5)), Stack(long + "2", (3, 4, 0)), Stack("none", (0, 0, 0))]
    drawn = stacked(bars, x="points", label="Bars", most=100)
    pieces = [one for one in elements(drawn) if one.attributes.get("stroke") == theme.GROUND.day]
    assert len(pieces) == 4
    names = [one.text for one in elements(drawn) if one.tag == "text" and "far too" in one.text]
    assert len(names) == 2


def test_a_picture_is_kept_and_one_of_other_values_is_another() -> None:
    begin = datetime(2026, 6, 1, tzinfo=timezone.utc)

    def drawn(value: float) -> Markup:
        points = [At(begin, 1.0), At(begin + timedelta(days=1), value)]
        return over_time([Line(points)], y="value", label="A line")

    assert drawn(2.0) is drawn(2.0)
    assert drawn(2.0) != drawn(3.0)
