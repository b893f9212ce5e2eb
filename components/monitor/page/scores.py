"""How did the scores move, and why? The mean over time, what moved it, and the risk bands."""

from collections import defaultdict
from itertools import accumulate
from typing import Final

from components.contributions.mean_change import MeanChange
from components.contributions.mean_change import Part as ChangedPart
from components.monitor.measures import TABLE
from components.monitor.page.alarms import drawn_above
from components.monitor.page.series import day, figures
from components.monitor.page_content import ChangePart, PageContent
from components.page import numbers, theme
from components.page.blocks import Absent, Block, Figure, Items, Key, Part, Section, Table, Text
from components.page.over_time import At, Line, over_time

_MEAN: Final = (
    ("", "", "churn_probability", "mean probability"),
    "The mean of all published scores.",
)
_BANDS: Final = tuple(
    (("risk_category", band, TABLE, "share of accounts"), "The share of the accounts in the band.")
    for band in ("critical", "high", "medium")
)
_GOOD: Final = "It moves slowly, within what is usual."
_STYLES: Final = (
    ("challenger", theme.CHALLENGER, (1, 0)),
    ("champion", theme.CHAMPION, (8, 4)),
    ("dashed", theme.BASELINE, (5, 3)),
    ("dotted", theme.BASELINE, (1, 3)),
)
"""Of the lines of parts, the largest first: class of the key, colour, dashes."""
_ROWS: Final = 26
_WORDS: Final = {
    "came": "accounts that came",
    "left": "accounts that left",
    "feedback": "feedback, by the former model",
    "model": "another model",
    "rest": "rounding",
}
_PERCENT_POINTS: Final = 100


def scores_section(content: PageContent) -> Section:
    """Returns the section."""
    above = drawn_above(content)
    parts = (
        Part("The mean score", figures(content, [_MEAN], _GOOD, above)),
        Part("What moved it since the run before", _last_change(content)),
        Part("What moved it over these runs", _course(content)),
        Part("What the feedback says about the cause", _cause(content)),
        Part("Risk bands", figures(content, _BANDS, _GOOD, above)),
    )
    return Section("scores", "How did the scores move, and why?", scores_answer(content), parts)


def scores_answer(content: PageContent) -> str:
    """Says from where to where the mean went, and what moved it most."""
    change = content.change
    if change is None:
        return f"Why the mean moved last is not known: {content.change_missing}"
    means = " to ".join(f"{one:.2%}" for one in change.means)
    largest = sorted(change.parts, key=lambda one: -abs(one.change))[:2]
    said = " and ".join(f"{part_words(one)} ({_points(one.change)})" for one in largest)
    return (
        f"Since the run before, the mean went from {means}; in percent points the largest parts "
        f"are {said}."
    )


def part_words(one: ChangedPart | ChangePart) -> str:
    """Returns what people call a part of a change."""
    return one.feature_group.replace("_", " ") or _WORDS[one.part]


def _points(change: float) -> str:
    return f"{_PERCENT_POINTS * change:+.3f}".replace("-", numbers.MINUS)


def _last_change(content: PageContent) -> tuple[Block, ...]:
    change = content.change
    if change is None:
        return (Absent(content.change_missing),)
    return (_parts_table(change), *_carriers(content, change))


def _cause(content: PageContent) -> tuple[Block, ...]:
    cause = content.cause
    if cause is None:
        return (Absent("the feedback was not asked at this run"),)
    since = f", since {cause.days_ago} days" if cause.days_ago else ""
    return (Text(f"{cause.cause}{since}"), Items(tuple(cause.evidence)))


def _parts_table(change: MeanChange) -> Table:
    rows = [
        (part_words(one), _points(one.change), numbers.count(one.accounts))
        for one in sorted(change.parts, key=lambda one: -abs(one.change))
        if one.part != "rest" or abs(one.change) >= 5e-7
    ]
    rows.append(("the whole change", _points(change.change), numbers.count(change.in_both)))
    caption = (
        f"From {day(change.before.as_of)} to {day(change.after.as_of)}: the parts add up to the "
        "change"
    )
    return Table.of(caption, ("Part", "Percent points#", "Accounts#"), rows)


def _carriers(content: PageContent, change: MeanChange) -> tuple[Block, ...]:
    if not change.carriers:
        return ()
    rows = [
        (
            content.account(one.account_id),
            _points(one.change),
            "came" if one.before is None else f"{one.before:.1%}",
            "left" if one.after is None else f"{one.after:.1%}",
        )
        for one in change.carriers
    ]
    columns = ("Account", "Percent points#", "Before#", "Now#")
    return (Table.of("The accounts that carry most of the change", columns, rows, folded=True),)


def _course(content: PageContent) -> tuple[Block, ...]:
    moments = sorted({one.as_of for one in content.parts})
    if len(moments) < 2:
        return (Absent("Fewer than two changes of the mean were recorded."),)
    by_part: dict[str, dict[object, float]] = defaultdict(dict)
    for one in content.parts:
        name = part_words(one)
        by_part[name][one.as_of] = by_part[name].get(one.as_of, 0.0) + one.change
    sums = {
        name: list(accumulate(found.get(moment, 0.0) for moment in moments))
        for name, found in by_part.items()
    }
    largest = sorted(sums, key=lambda name: -max(map(abs, sums[name])))[: len(_STYLES)]
    lines = [
        Line(
            [
                At(moment, _PERCENT_POINTS * value)
                for moment, value in zip(moments, sums[name], strict=True)
            ],
            tone,
            dash,
        )
        for name, (_, tone, dash) in zip(largest, _STYLES, strict=False)
    ]
    said = ", ".join(f"{name} {_points(sums[name][-1])}" for name in largest)
    picture = over_time(
        lines[::-1],
        y="percent points",
        label=f"What each part added since {day(moments[0])}: {said}",
    )
    rows = [
        (day(moment), *(_points(sums[name][place]) for name in largest))
        for place, moment in list(enumerate(moments))[::-1][:_ROWS]
    ]
    columns = ("Run as of", *(f"{name}#" for name in largest))
    figure = Figure(
        picture=picture,
        here=f"Since {day(moments[0])}, in percent points: {said}.",
        shows="What the four largest parts added to the mean score, summed up from run to run.",
        good="Lines that go up and down about 0, as customers do.",
        bad="One line that leaves the others at one moment: look there for the cause.",
        table=Table.of("Summed up, newest first", columns, rows, folded=True),
        key=tuple(Key(name, style) for name, (style, *_) in zip(largest, _STYLES, strict=False)),
    )
    note = Text(
        "A part belongs to the accounts that are in both of two publications, but for those that "
        "came and left. Where another model scored, its part holds their feedback too."
    )
    return (figure, note)
