"""Did it come true? Estimated and realised performance, and who left with a low score."""

from collections.abc import Sequence
from typing import Final

from components.monitor.page.series import day
from components.monitor.page_content import PageContent
from components.outcome_recorder.listing import MissedAccount, Progress, PublishedMetric
from components.page import numbers, theme
from components.page.blocks import Absent, Block, Figure, Key, Part, Section, Table, Text
from components.page.over_time import At, Line, over_time

REALISED: Final = "realised"
ESTIMATED: Final = "estimated"
_LOOKS: Final = {
    REALISED: ("challenger", theme.CHALLENGER, (1, 0)),
    ESTIMATED: ("champion", theme.CHAMPION, (8, 4)),
}
_METRICS: Final = (
    ("auc", "", "AUC", "How well scores rank: .5 is chance, 1 is perfect.", "higher is better"),
    (
        "log_loss",
        "",
        "log-loss",
        "How far probabilities are from what happened.",
        "lower is better",
    ),
    ("left", "", "accounts that left", "How many left within the horizon.", "as many as estimated"),
)
_ROWS: Final = 26
_REASONS: Final = 2


def truth_section(content: PageContent) -> Section:
    """Returns the section."""
    parts = performance_parts(content.course)
    parts.append(Part("Who left with a low score", _missed(content)))
    said = truth_answer(content.outcomes.progress, content.course)
    return Section("truth", "Did it come true?", said, tuple(parts))


def performance_parts(course: Sequence[PublishedMetric]) -> list[Part]:
    """Returns estimated and realised performance over time, a picture for each metric.

    Args:
        course: Of publications at their main horizon, oldest first.
    """
    return [
        Part(title, (_figure(course, metric, band, title, shows, good),))
        for metric, band, title, shows, good in _METRICS
    ]


def truth_answer(progress: Progress, course: Sequence[PublishedMetric]) -> str:
    """Says how far outcomes are known, and how the newest realised AUC compares."""
    measured, windows = numbers.count(progress.measured), numbers.count(progress.windows)
    said = f"{measured} of {windows} windows are measured."
    newest = _newest(course, "auc", REALISED)
    if newest is None:
        when = progress.next_closes_at
        return f"{said} Not known yet" + (
            f": the next window closes on {day(when)}." if when else "."
        )
    estimated = next(
        (
            one
            for one in _rows(course, "auc", "", ESTIMATED)
            if one.publication_id == newest.publication_id
        ),
        None,
    )
    value = f"AUC {numbers.short(newest.value)} {_interval(newest)}"
    said += f" Scores of {day(newest.as_of)} reached {value}"
    if estimated is None:
        return f"{said}."
    return (
        f"{said}; {numbers.short(estimated.value)} {_interval(estimated)} was estimated that day."
    )


def _interval(one: PublishedMetric) -> str:
    if one.low is None or one.high is None:
        return ""
    return f"[{numbers.short(one.low)}, {numbers.short(one.high)}]"


def _newest(course: Sequence[PublishedMetric], metric: str, kind: str) -> PublishedMetric | None:
    found = _rows(course, metric, "", kind)
    return found[-1] if found else None


def _rows(
    course: Sequence[PublishedMetric], metric: str, band: str, kind: str
) -> list[PublishedMetric]:
    return [one for one in course if (one.metric, one.band, one.kind) == (metric, band, kind)]


def _figure(
    course: Sequence[PublishedMetric], metric: str, band: str, title: str, shows: str, good: str
) -> Block:
    kinds = {kind: _rows(course, metric, band, kind) for kind in _LOOKS}
    kinds = {kind: rows for kind, rows in kinds.items() if rows}
    if not kinds:
        return Absent("No publication was judged yet.")
    lines = [
        Line(
            [At(one.as_of, one.value, one.low, one.high) for one in rows],
            *_LOOKS[kind][1:],
            dots=True,
        )
        for kind, rows in kinds.items()
    ]
    said = "; ".join(
        f"{kind} for {day(rows[-1].as_of)}: {_value(metric, rows[-1])}"
        for kind, rows in kinds.items()
    )
    return Figure(
        picture=over_time(
            lines[::-1],
            y=title,
            label=f"{title} by publication: {said}",
            number_format="~s" if metric == "left" else ".2~f",
        ),
        here=f"{said[0].upper()}{said[1:]}.",
        shows=f"{shows} One point for each week's first publication; areas are 95% intervals.",
        good=f"Realised as estimated ({good}).",
        bad="Realised falls out of the area of what was estimated: customers leave for reasons "
        "that the model does not know. No estimate can see that before outcomes are there.",
        table=_table(metric, title, kinds),
        key=tuple(Key(kind, _LOOKS[kind][0]) for kind in kinds),
    )


def _value(metric: str, one: PublishedMetric) -> str:
    return numbers.count(round(one.value)) if metric == "left" else numbers.metric(one.value)


def _table(metric: str, title: str, kinds: dict[str, list[PublishedMetric]]) -> Table:
    found = sorted(
        (one for rows in kinds.values() for one in rows),
        key=lambda one: (one.as_of, one.kind),
        reverse=True,
    )
    rows = [
        (
            day(one.as_of),
            one.kind,
            _value(metric, one),
            _interval(one) or numbers.NOT_KNOWN,
            one.model_version,
        )
        for one in found[:_ROWS]
    ]
    columns = ("Scores as of", "Kind", "Value#", "95% interval#", "Model")
    return Table.of(f"{title}, newest first", columns, rows, folded=True)


def _missed(content: PageContent) -> tuple[Block, ...]:
    found = content.outcomes.missed
    if not found:
        return (Absent("No account is known that left while its score was low.", "None"),)
    rows = [
        (
            content.account(one.account_id),
            day(one.left_at),
            numbers.share(one.churn_probability),
            day(one.as_of),
            _reasons(one),
            f"{one.events_after} messages, {one.negative_after} negative",
        )
        for one in found
    ]
    columns = ("Account", "Left", "Score#", "Scored as of", "Strongest reasons", "What came after")
    caption = f"The newest {len(rows)} of {numbers.count(found[0].matching)}"
    note = Text(
        "They are what the next model should learn from; tens-insight outcomes --missed lists all."
    )
    return (Table.of(caption, columns, rows), note)


def _reasons(one: MissedAccount) -> str:
    if not one.reasons:
        return numbers.NOT_KNOWN
    strongest = sorted(one.reasons.items(), key=lambda item: -abs(item[1]))[:_REASONS]
    return ", ".join(
        f"{name.replace('_', ' ')} {'raises' if value > 0 else 'lowers'}"
        for name, value in strongest
    )
