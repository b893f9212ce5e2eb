"""Pictures and tables of product areas: what scores are made of, and how they moved."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from components.page import numbers, theme
from components.page.blocks import Absent, Block, Figure, Key, Link, Noted, Table
from components.page.over_time import At, Begin, Line, over_time
from components.page.stacked import TONES, Stack, stacked
from components.page.words import listed
from components.publishing.area_history import AreaMoment
from pipeline.pages.page import address
from transforms.product_area_impact import AreaImpact, PairCounts

WORDS: Final = {
    "feedback_volume": "rows of feedback",
    "negative_sentiment": "negative sentiment",
    "critical_feedback": "critical priority",
    "p5_feedback": "priority 5",
    "recent_feedback": "last 7 days",
    "enterprise_segment": "enterprise segment",
}
"""What people call the signals of the rule."""
DRAWN: Final = 12
"""Pairs of a picture."""
_MOST: Final = 100.0
"""Points of the highest score there can be."""
_ROWS: Final = 26
LOOKS: Final = (
    ("challenger", theme.CHALLENGER, (1, 0)),
    ("champion", theme.CHAMPION, (8, 4)),
    ("dashed", theme.BASELINE, (5, 3)),
    ("dotted", theme.BASELINE, (1, 3)),
)
"""Of the lines of a picture: class of the key, colour, dashes."""


def pair_name(pair: PairCounts | AreaMoment) -> str:
    """Returns what a pair of area and segment is called."""
    return f"{pair.product_area} / {pair.segment}"


def pair_link(product_area: str, segment: str) -> Link:
    """Returns a cell that leads to the page of a pair."""
    return Link(product_area, pair_address(product_area, segment), note=segment)


def pair_address(product_area: str, segment: str) -> str:
    """Returns the address of the page of a pair."""
    return address("/pages/area", product_area=product_area, segment=segment)


def points(value: float) -> str:
    """Returns points of a score."""
    return f"{value:.1f}"


def parts_figure(impacts: Sequence[AreaImpact], table: Table, shows: str) -> Figure:
    """Draws the highest scores as sums of their signals.

    Args:
        impacts: Highest score first, one at least.
        table: Of all pairs.
        shows: What is drawn.
    """
    drawn = impacts[:DRAWN]
    bars = [Stack(pair_name(one.counts), [*one.contributions.values()]) for one in drawn]
    said = "; ".join(f"{pair_name(one.counts)} {points(one.priority_score)}" for one in drawn[:3])
    return Figure(
        picture=stacked(
            bars, x="points", label=f"Points by signal of the first pairs: {said}", most=_MOST
        ),
        here=f"The first {numbers.count(len(drawn))} of {numbers.count(len(impacts))}: {said}.",
        shows=shows,
        good="Bars that fall off soon: a few areas stand out, and one colour says why.",
        bad="Many bars of one length: the rule does not tell the areas apart.",
        table=table,
        key=tuple(
            Key(WORDS[name], f"fill {style}")
            for name, (style, _) in zip(drawn[0].contributions, TONES, strict=True)
        ),
    )


def parts_table(impacts: Sequence[AreaImpact], most: int) -> Table:
    """Returns the pairs with the points of each signal, and what was counted below them."""
    columns = ("Area and segment", "Score#", *(f"{_capital(word)}#" for word in WORDS.values()))
    shown = impacts[:most]
    caption = f"All {numbers.counted(len(impacts), 'pair', 'pairs')}, points of each signal"
    if len(shown) < len(impacts):
        caption = f"The first {numbers.count(most)} of {numbers.count(len(impacts))} pairs"
    return Table.of(caption, columns, map(_parts_row, shown))


def _parts_row(impact: AreaImpact) -> tuple[Link | Noted | str, ...]:
    pair = impact.counts
    counts = counted(pair)
    cells = [
        Noted(points(value), numbers.count(counts[name])) if name in counts else points(value)
        for name, value in impact.contributions.items()
    ]
    name = pair_link(pair.product_area, pair.segment)
    return (name, points(impact.priority_score), *cells)


def counted(pair: PairCounts) -> dict[str, int]:
    """Returns what was counted for each signal; the segment is no count."""
    return {
        "feedback_volume": pair.feedback,
        "negative_sentiment": pair.negative,
        "critical_feedback": pair.critical,
        "p5_feedback": pair.p5,
        "recent_feedback": pair.recent,
    }


def scores_course(course: Sequence[AreaMoment], pairs: Sequence[tuple[str, str]]) -> Block:
    """Draws the scores of up to four pairs over time.

    Args:
        course: Of these pairs, oldest first.
        pairs: In the order of the key.
    """
    by_pair = {pair: [one for one in course if _key(one) == pair] for pair in pairs[: len(LOOKS)]}
    known = {pair: rows for pair, rows in by_pair.items() if len(rows) > 1}
    if not known:
        return Absent("Fewer than two publications of them are kept.")
    said = "; ".join(
        f"{pair_name(rows[-1])} from {points(rows[0].priority_score)} to "
        f"{points(rows[-1].priority_score)}"
        for rows in known.values()
    )
    looks = [*zip(known.values(), LOOKS, strict=False)]
    return Figure(
        picture=over_time(
            [
                Line([At(one.as_of, one.priority_score) for one in rows], tone, dash)
                for rows, (_, tone, dash) in looks[::-1]
            ],
            y="points",
            label=f"Scores over time: {said}",
            begins=[*_other_weights(course)],
        ),
        here=f"{said}.",
        shows="The score of each publication. A score is relative: each count is placed between "
        "the lowest and the highest of all pairs, so that one area falls when another rises.",
        good="A line that falls after something was mended.",
        bad="A line that rises over weeks, or one that jumps without other weights.",
        table=_course_table(course, "Scores, newest first"),
        key=tuple(Key(pair_name(rows[-1]), style) for rows, (style, *_) in looks),
    )


def _key(one: AreaMoment) -> tuple[str, str]:
    return one.product_area, one.segment


def _other_weights(course: Sequence[AreaMoment]) -> Iterator[Begin]:
    """Yields since when other weights than before were used."""
    first = {moment: next(rows) for moment, rows in groupby(course, lambda one: one.as_of)}
    former = ""
    for moment, one in first.items():
        if former and one.model_version != former:
            yield Begin(moment, "other weights")
        former = one.model_version


def _course_table(course: Sequence[AreaMoment], caption: str) -> Table:
    rows = [
        (
            day(one.as_of),
            pair_name(one),
            points(one.priority_score),
            numbers.count(one.feedback_count),
            numbers.count(one.negative_count),
            numbers.count(one.critical_count),
            numbers.short(one.avg_sentiment_score),
        )
        for one in course[::-1][:_ROWS]
    ]
    columns = ("As of", "Area and segment", "Score#", "Feedback#", "Negative#", "Critical#")
    return Table.of(caption, (*columns, "Mean sentiment#"), rows, folded=True)


def counts_course(course: Sequence[AreaMoment]) -> Block:
    """Draws what was counted of one pair over time."""
    if len(course) < 2:
        return Absent("Fewer than two publications of it are kept.")
    lines = {
        "rows of feedback": [At(one.as_of, one.feedback_count) for one in course],
        "negative": [At(one.as_of, one.negative_count) for one in course],
        "critical": [At(one.as_of, one.critical_count) for one in course],
    }
    said = listed(
        [f"{name} {numbers.count(round(rows[-1].value or 0))}" for name, rows in lines.items()]
    )
    looks = [*zip(lines.items(), LOOKS, strict=False)]
    return Figure(
        picture=over_time(
            [Line(rows, tone, dash) for (_, rows), (_, tone, dash) in looks[::-1]],
            y="rows of the window",
            label=f"Counts over time, now {said}",
            number_format="~s",
        ),
        here=f"Now {said}.",
        shows="What the rule counted in the window of each publication.",
        good="Fewer negative and critical rows than before, at as many rows.",
        bad="More of them, while the rows in all stay as many.",
        table=_course_table(course, "Counts, newest first"),
        key=tuple(Key(name, style) for (name, _), (style, *_) in looks),
    )


def day(moment: datetime) -> str:
    """Returns such as `2026-11-27`."""
    return f"{moment:%Y-%m-%d}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
