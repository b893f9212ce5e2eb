"""Is the input as usual, and who is scored? Volume, freshness, words, coverage; all measures."""

from typing import Final

from components.monitor.measures import TABLE
from components.monitor.page.alarms import drawn_above
from components.monitor.page.series import figures, shown
from components.monitor.page_content import Key, PageContent
from components.page import numbers
from components.page.blocks import BAD, Absent, Badge, Block, Part, Row, Section, Table

_INPUT: Final[tuple[tuple[Key, str], ...]] = (
    (("", "", TABLE, "rows of the last 7 days"), "Rows of feedback of the last 7 days."),
    (
        ("", "", TABLE, "days since the newest feedback"),
        "How old the newest feedback is when scores are made.",
    ),
    (
        ("sentiment", "negative", TABLE, "share of events"),
        "The share of negative messages among those of the last 7 days.",
    ),
    (("", "", "source", "unseen"), "The share of messages of a source that training has not."),
)
_SCORED: Final[tuple[tuple[Key, str], ...]] = (
    (("", "", TABLE, "accounts scored"), "How many accounts have a score."),
    (("", "", TABLE, "accounts not scored"), "The share of the accounts that have none."),
    (
        ("account_state", "silent", TABLE, "share of accounts"),
        "The share of the accounts that have been silent for long.",
    ),
)
_GOOD: Final = "The line stays within the area, and the area is not much wider than the line."


def inputs_section(content: PageContent) -> Section:
    """Returns the section."""
    above = drawn_above(content)
    parts = (
        Part("Feedback", figures(content, _INPUT, _GOOD, above)),
        Part("Accounts", figures(content, _SCORED, _GOOD, above)),
    )
    answer = f"Of {len(content.report.series)} measures of the newest run, {_alarmed(content)}."
    return Section("inputs", "Is the input as usual, and who is scored?", answer, parts)


def measures_section(content: PageContent) -> Section:
    """Returns the section of all measures, folded."""
    rows = []
    for one in content.report.series:
        finding = one.finding
        if finding is None:
            continue
        ends = [
            numbers.NOT_KNOWN if end is None else shown(end, share=one.share)
            for end in (finding.usual_low, finding.usual_high)
        ]
        verdict = Badge("alarm", BAD) if finding.alarm else "usual"
        cells = (one.name, shown(finding.value, share=one.share), *ends, verdict)
        rows.append(Row(cells, tone=BAD if finding.alarm else ""))
    block: Block = Absent("No measure was judged.")
    if rows:
        columns = ("Measure", "Now#", "Usual from#", "to#", "Verdict")
        block = Table.of(f"{len(rows)} measures", columns, rows, folded=True)
    answer = (
        f"At most {content.report.false_alarms_per_year:g} false alarms a year are allowed for all "
        "of them together; the ranges follow from each measure's own history."
    )
    return Section("measures", "What else was measured?", answer, (Part("All measures", (block,)),))


def _alarmed(content: PageContent) -> str:
    alarmed = sum(one.finding is not None and one.finding.alarm for one in content.report.series)
    return "none is unusual" if not alarmed else f"{numbers.count(alarmed)} are unusual"
