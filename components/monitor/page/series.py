"""Pictures of measures over the runs, each with what was usual and its table."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from components.monitor.alarms import LIMIT
from components.monitor.measures import GROWING, WINDOW_DAYS
from components.monitor.monitor_report import ShownSeries, StoredFinding
from components.monitor.page_content import Key, PageContent
from components.page import numbers
from components.page.blocks import Absent, Block, Figure, Table, Text
from components.page.blocks import Key as LineKey
from components.page.over_time import At, Begin, Line, over_time
from components.page.words import listed

_ROWS: Final = 26
"""Of a table below a picture, newest first."""
_KEY: Final = (LineKey("value of each run; the area is what was usual then", "challenger"),)
_BAD_LINE: Final = "The line leaves the area, or comes back to another level than before."


def found_series(content: PageContent, key: Key) -> ShownSeries | None:
    """Returns a measure by its key; None where no run has it."""
    return next((one for one in content.report.series if one.key == key), None)


def series_figure(content: PageContent, one: ShownSeries, shows: str, good: str) -> Figure:
    """Draws one measure; of one that only grows, its growth within a week.

    Args:
        content: Of the page.
        one: The measure.
        shows: What it is, in words for people.
        good: What one should see.
    """
    if one.key[3] in GROWING:
        values = weekly_growth(content, one)
        one = replace(one, name=f"{one.name} added within a week", values=values)
    points = _points(content, one)
    return Figure(
        picture=over_time(
            [Line(points)],
            y=one.name if len(one.name) < 34 else "value",
            label=f"{one.name}, run by run. {_here(content, one)}",
            begins=begins(content, one),
            number_format=".2~%" if one.share else "~s",
        ),
        here=_here(content, one),
        shows=shows,
        good=good,
        bad=_BAD_LINE,
        table=_table(one, points),
        key=_KEY,
    )


def figures(
    content: PageContent,
    wanted: Sequence[tuple[Key, str]],
    good: str,
    above: frozenset[Key],
) -> tuple[Block, ...]:
    """Draws some measures.

    Args:
        content: Of the page.
        wanted: Key of each, and what it is, in words for people.
        good: What one should see.
        above: Measures that the page has drawn already.
    """
    found = [(found_series(content, key), shows) for key, shows in wanted]
    known = [(one, shows) for one, shows in found if one is not None]
    if not known:
        return (Absent("No run measured it."),)
    blocks: list[Block] = [
        series_figure(content, one, shows, good) for one, shows in known if one.key not in above
    ]
    named = [one.name for one, _ in known if one.key in above]
    if named:
        blocks.append(Text(f"Drawn above, with its alarm: {listed(named)}."))
    return tuple(blocks)


def shown(value: float | None, *, share: bool) -> str:
    """Returns a value as people read it."""
    if value is None:
        return numbers.NOT_KNOWN
    if share:
        return numbers.share(value)
    if value == round(value) or abs(value) >= 1000:
        return numbers.count(round(value))
    return numbers.short(value) if abs(value) >= 1 else numbers.metric(value)


def begins(content: PageContent, one: ShownSeries) -> Iterable[Begin]:
    """Yields since when the measure was in an alarm, of those that these runs show."""
    for opened_at, keys in content.alarmed.items():
        if one.key in keys and opened_at >= content.report.runs[0].window_end:
            yield Begin(opened_at, "alarm")


def weekly_growth(content: PageContent, one: ShownSeries) -> tuple[float | None, ...]:
    """Returns by how much a count grew since the newest run that is at least 7 days older."""
    runs = [run.window_end for run in content.report.runs]
    found: list[float | None] = []
    for now, value in zip(runs, one.values, strict=True):
        place = bisect_right(runs, now - timedelta(days=WINDOW_DAYS)) - 1
        before = one.values[place] if place >= 0 else None
        found.append(None if value is None or before is None else value - before)
    return tuple(found)


def _points(content: PageContent, one: ShownSeries) -> list[At]:
    found = []
    for run, value in zip(content.report.runs, one.values, strict=True):
        usual = content.usual.get((one.key, run.window_end))
        low, high = (usual.low, usual.high) if usual else (None, None)
        found.append(At(run.window_end, value, low, high))
    return found


def _here(content: PageContent, one: ShownSeries) -> str:
    finding = one.finding
    value = one.values[-1]
    if finding is not None and finding.value is not None:
        value = finding.value
    said = f"Now {shown(value, share=one.share)}"
    if finding is not None and finding.statistic == LIMIT:
        allowed = " and ".join(
            f"at {word} {shown(end, share=one.share)}"
            for word, end in zip(("least", "most"), _ends(finding), strict=True)
            if end is not None
        )
        since = f": an alarm since {day(finding.opened_at)}" if finding.alarm else ""
        return f"{said}; the data checks allow {allowed}{since}."
    if finding is None or finding.usual_low is None or finding.usual_high is None:
        return f"{said}; there is not enough history to say what is usual."
    ends = (finding.usual_low, finding.usual_high)
    low, high = (shown(end, share=one.share) for end in ends)
    if finding.alarm:
        return f"{said}, usual was {low} to {high}: an alarm since {day(finding.opened_at)}."
    return f"{said}, usual is {low} to {high}."


def _ends(finding: StoredFinding) -> tuple[float | None, float | None]:
    return finding.usual_low, finding.usual_high


def day(moment: datetime | None) -> str:
    """Returns such as `2026-11-27`."""
    return numbers.NOT_KNOWN if moment is None else f"{moment:%Y-%m-%d}"


def _table(one: ShownSeries, points: Sequence[At]) -> Table:
    rows = [
        (
            day(at.moment),
            shown(at.value, share=one.share),
            numbers.NOT_KNOWN if at.low is None else shown(at.low, share=one.share),
            numbers.NOT_KNOWN if at.high is None else shown(at.high, share=one.share),
        )
        for at in reversed(points[-_ROWS:])
    ]
    columns = ("Run as of", "Value#", "Usual from#", "to#")
    return Table.of(f"{one.name}, newest first", columns, rows, folded=True)
