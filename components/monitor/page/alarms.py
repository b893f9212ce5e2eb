"""What is unusual? Open alarms with their strongest measures, and the alarms before."""

from typing import Final

from components.monitor.measures import name_of_measure
from components.monitor.monitor_report import HOW, FormerAlarm, ShownSeries
from components.monitor.page.series import day, series_figure, shown
from components.monitor.page_content import Key, PageContent
from components.page import numbers
from components.page.blocks import BAD, Absent, Badge, Block, Part, Row, Section, Table, Text
from components.page.words import listed

_DRAWN: Final = 3
"""Measures of each alarm that are drawn."""
_FORMER: Final = 4
"""Former alarms whose strongest measure is drawn."""
_LISTED: Final = 12
_SHOWS: Final = "One measure of each run, and the range in which the weeks before it let it lie."
_GOOD: Final = "The line stays within the area."


def alarms_section(content: PageContent) -> Section:
    """Returns the section."""
    found = content.report.open_alarms
    parts = [_alarm_part(content, alarm, series) for alarm, series in found]
    former = [series_figure(content, one, _SHOWS, _GOOD) for one in _drawn_before(content)]
    parts.append(Part("All alarms so far", (_former(content), *former)))
    return Section("alarms", "What is unusual?", alarms_answer(content), tuple(parts))


def alarms_answer(content: PageContent) -> str:
    """Says how many alarms are open, since when, and what the strongest measure of each is."""
    found = content.report.open_alarms
    if not found:
        return "Nothing: no measure is outside of what its own history makes likely."
    said = [
        f"since {day(alarm.opened_at)} {series[0].name}"
        + (f" and {numbers.counted(len(series) - 1, 'more measure', 'more measures')}")
        * (len(series) > 1)
        for alarm, series in found
    ]
    return f"{numbers.counted(len(found), 'alarm is', 'alarms are')} open: {'; '.join(said)}."


def drawn_above(content: PageContent) -> frozenset[Key]:
    """Returns the measures that this section draws: no other section draws them again."""
    return _drawn_now(content) | {one.key for one in _drawn_before(content)}


def _drawn_now(content: PageContent) -> frozenset[Key]:
    return frozenset(one.key for _, series in content.report.open_alarms for one in series[:_DRAWN])


def _drawn_before(content: PageContent) -> list[ShownSeries]:
    """Returns the strongest measure of each former alarm, newest first, each once."""
    open_since = {alarm.opened_at for alarm, _ in content.report.open_alarms}
    known = {one.key: one for one in content.report.series}
    first = content.report.runs[0].window_end
    found = {
        keys[0]: known[keys[0]]
        for moment, keys in content.alarmed.items()
        if moment not in open_since and moment >= first and keys[0] in known
    }
    return [one for key, one in found.items() if key not in _drawn_now(content)][:_FORMER]


def _alarm_part(content: PageContent, alarm: FormerAlarm, series: list[ShownSeries]) -> Part:
    blocks: list[Block] = [
        Text(
            "What moves at one moment is one alarm, however many measures show it. The strongest "
            "are drawn."
        )
    ]
    blocks += [series_figure(content, one, _SHOWS, _GOOD) for one in series[:_DRAWN]]
    blocks.append(_measures(series))
    return Part(f"Alarm since {day(alarm.opened_at)}", tuple(blocks))


def _measures(series: list[ShownSeries]) -> Table:
    rows = []
    for one in series[:_LISTED]:
        finding = one.finding
        assert finding is not None
        ends = [
            numbers.NOT_KNOWN if end is None else shown(end, share=one.share)
            for end in (finding.usual_low, finding.usual_high)
        ]
        said = HOW[finding.statistic]
        rows.append(Row((one.name, shown(finding.value, share=one.share), *ends, said), tone=BAD))
    more = len(series) - len(rows)
    caption = "Measures of the alarm" + (f", {len(rows)} of {len(series)}" if more else "")
    return Table.of(
        caption, ("Measure", "Now#", "Usual from#", "to#", "How"), rows, folded=more > 0
    )


def _former(content: PageContent) -> Block:
    alarms = content.report.alarms
    if not alarms:
        return Absent("No alarm was ever opened.", "None")
    open_since = {alarm.opened_at for alarm, _ in content.report.open_alarms}
    rows = [
        (
            day(one.opened_at),
            Badge("open", BAD) if one.opened_at in open_since else day(one.last_seen),
            listed([name_of_measure(*key) for key in content.alarmed.get(one.opened_at, ())], 2),
        )
        for one in alarms
    ]
    return Table.of(
        "Alarms, newest first",
        ("Opened", "Last seen", "Measures, the strongest first"),
        rows,
        folded=len(rows) > _LISTED,
    )
