"""Prints what monitoring knows, for people."""

from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len, set_cell_size

from components.monitor.alarms import LIMIT
from components.monitor.monitor_report import (
    HOW,
    FormerAlarm,
    MonitorReport,
    ShownSeries,
    StoredFinding,
)
from pipeline.text.plain_text import bare_minute, minute, terminal_width
from pipeline.text.sparkline import sparkline
from pipeline.text.terminal import escape_controls

_SHOWN: Final = 5
"""Measures of an alarm that are told; of the others their number."""
_BARS: Final = 30
_VALUE: Final = 8
_USUAL: Final = 15
_FROM_HUNDRED: Final = 100
_MANY: Final = 100_000


def monitor_lines(report: MonitorReport, *, every: bool = False) -> Iterator[str]:
    """Yields what to print.

    Args:
        report: What monitoring knows.
        every: Whether all measures are shown, not the main ones alone.
    """
    if not report.runs:
        yield "No run was monitored yet: `tens-insight run score` publishes, and measures it."
        return
    newest = report.runs[-1]
    yield f"as of        {minute(newest.window_end)}, publication {newest.publication_id}"
    yield f"champion     {newest.model_version}"
    yield f"runs         {len(report.runs)} since {minute(report.runs[0].window_end)}"
    yield from _alarm_lines(report)
    yield ""
    shown = [one for one in report.series if every or one.main]
    width = max(20, terminal_width() - _BARS - _VALUE - _USUAL - 6)
    yield f"{'':{width}}  {'last runs':{_BARS}}  {'now':>{_VALUE}}  {'usual':>{_USUAL}}".rstrip()
    for one in shown:
        yield _series_line(one, width)
    others = len(report.series) - len(shown)
    if others:
        yield f"{others} more measures: tens-insight monitor --all"


def _alarm_lines(report: MonitorReport) -> Iterator[str]:
    found = report.open_alarms
    if not found:
        yield f"alarms       none open, {len(report.alarms)} in the history"
        return
    yield f"alarms       {len(found)} open, {len(report.alarms)} in the history"
    for alarm, series in found:
        yield ""
        yield _head(alarm, len(series))
        for one in series[:_SHOWN]:
            yield from _told(one)
        if len(series) > _SHOWN:
            yield f"  and {len(series) - _SHOWN} more measures"


def _head(alarm: FormerAlarm, count: int) -> str:
    measures = "1 measure" if count == 1 else f"{count} measures"
    return f"Alarm since {bare_minute(alarm.opened_at)} UTC, {measures}"


def _told(one: ShownSeries) -> Iterator[str]:
    finding = one.finding
    assert finding is not None
    yield f"  {escape_controls(one.name)}"
    value, usual = _number(finding.value, share=one.share), _usual(finding, share=one.share)
    word = "allowed" if finding.statistic == LIMIT else "usual"
    said = f"is {value}, {word} {usual}" if usual else f"is {value}"
    yield f"      {said} ({HOW[finding.statistic]})"


def _series_line(one: ShownSeries, width: int) -> str:
    name = escape_controls(one.name)
    if cell_len(name) > width:
        name = f"{set_cell_size(name, width - 1).rstrip()}~"
    bars = sparkline(one.values[-_BARS:])
    finding = one.finding
    value = one.values[-1] if finding is None else finding.value
    mark = " !" if finding is not None and finding.alarm else ""
    usual = _usual(finding, share=one.share) if finding is not None else ""
    now = _number(value, share=one.share)
    line = f"{set_cell_size(name, width)}  {bars:<{_BARS}}  {now:>{_VALUE}}"
    return f"{line}  {usual:>{_USUAL}}{mark}".rstrip()


def _usual(finding: StoredFinding, *, share: bool) -> str:
    if finding.statistic == LIMIT and None in (finding.usual_low, finding.usual_high):
        sign, end = "<=", finding.usual_high
        if end is None:
            sign, end = ">=", finding.usual_low
        return f"{sign} {_number(end, share=share)}"
    if finding.usual_low is None or finding.usual_high is None:
        return ""
    ends = (_number(end, share=share) for end in (finding.usual_low, finding.usual_high))
    return " to ".join(ends)


def _number(value: float | None, *, share: bool) -> str:
    if value is None:
        return "-"
    if share:
        return f"{100 * value:.1f}%" if value < 0.9995 else "100%"
    if abs(value) >= _MANY:
        return f"{value / 1000:.0f}k"
    if abs(value) >= _FROM_HUNDRED:
        return f"{value:.0f}"
    return f"{value:.3g}"
