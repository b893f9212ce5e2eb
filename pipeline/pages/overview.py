"""Is it well? The age of the scores, the last runs, what needs a person."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.alerts.alert_table import StoredAlert, read_alerts
from components.monitor.page.truth import performance_parts, truth_answer
from components.outcome_recorder.listing import read_course, read_progress
from components.page import numbers, theme
from components.page.blocks import (
    BAD,
    GOOD,
    QUIET,
    WARN,
    Absent,
    Badge,
    Figure,
    Key,
    Noted,
    Part,
    Section,
    Table,
)
from components.page.over_time import At, Line, over_time
from components.page.theme import Tone
from components.page.words import sentence
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.publication_log import PUBLISHED, LogEntry, PublicationLog, read_log
from pipeline.pages.page import Page, Shown, View
from pipeline.runs.record import COMPLETE, RunRecord
from pipeline.status import Status, hours, status_on

_RUNS: Final = 8
_IN_HOURS: Final = timedelta(days=4)
"""Ages above are said in days."""
_BANDS: Final = ("critical", "high", "medium", "low")
_DRAWN: Final = _BANDS[:-1]
"""Most accounts are low: beside their line all others would look flat."""
_LOOKS: Final[dict[str, tuple[Tone, tuple[int, ...]]]] = {
    "critical": (theme.BAD, (1, 0)),
    "high": (theme.CHAMPION, (8, 4)),
    "medium": (theme.CHALLENGER, (1, 3)),
}
"""Of their lines: colour, dashes."""
_PUBLICATIONS: Final = 120
_DOTS: Final = 30
"""Above so many points none is marked."""
_ROWS: Final = 26
_SEVERITIES: Final = {"critical": BAD, "warning": WARN, "info": QUIET}


@dataclass(frozen=True)
class Tile:
    """One figure of the first screen.

    Attributes:
        name: What it is.
        value: As people read it.
        note: A few words more; may be empty.
        tone: Whether it is well.
    """

    name: str
    value: str
    note: str = ""
    tone: str = ""


def _build(view: View) -> Shown:
    status = status_on(view.cursor.connection, view.settings, _RUNS, compare=False)
    alerts = read_alerts(view.cursor)
    sections = (
        _alerts_section(alerts),
        _runs_section(status.runs),
        _bands_section(read_log(view.cursor, ACCOUNT_RISK_SCORES)),
        _truth_section(view.cursor),
    )
    values = {"tiles": list(_tiles(view, status, alerts)), "sections": sections}
    return Shown("Overview", "overview.j2", values)


def _tiles(view: View, status: Status, alerts: Sequence[StoredAlert]) -> Iterator[Tile]:
    last, age = status.scores.last, status.age
    most = timedelta(hours=view.settings.alerts.alert_scores_max_age_hours)
    if last is None or age is None:
        yield Tile("Age of the scores", "no scores yet", tone=WARN)
    else:
        is_old = bool(most) and age > most
        as_of = f"as of {numbers.moment(last.as_of.isoformat())}"
        yield Tile("Age of the scores", _age(age), as_of, BAD if is_old else GOOD)
    counts = status.categories
    yield Tile("Accounts", numbers.count(sum(counts.values())), status.risk_bands)
    at_risk = sum(counts[band] for band in _BANDS[:2])
    spread = ", ".join(f"{numbers.count(counts[band])} {band}" for band in _BANDS)
    yield Tile("High or critical", numbers.count(at_risk), spread)
    run = status.last_run
    if run is not None:
        ended = numbers.moment((run.ended_at or run.started_at).isoformat())
        tone = GOOD if run.state == COMPLETE else BAD
        yield Tile("Last run", run.state, f"{run.kind}, {ended}", tone)
    yield Tile("Open alerts", numbers.count(len(alerts)), tone=BAD if alerts else GOOD)
    if last is not None:
        yield Tile("Model", last.model_version)


def _age(age: timedelta) -> str:
    return hours(age) if age < _IN_HOURS else f"{age.days} days"


def _alerts_section(alerts: Sequence[StoredAlert]) -> Section:
    if not alerts:
        blocks: tuple[Absent | Table, ...] = (Absent("No alert is open.", "Nothing"),)
        return Section("alerts", "What needs a person?", "Nothing.", (Part("Open alerts", blocks),))
    rows = [
        (
            Noted(one.kind, one.key) if one.key else one.kind,
            Badge(one.severity, _SEVERITIES.get(one.severity, QUIET)),
            numbers.moment(one.first_seen.isoformat()),
            Noted(sentence(numbers.moments_in(one.sentence)), f"What to do: {one.runbook}"),
        )
        for one in alerts
    ]
    table = Table.of(
        "Open alerts, newest first", ("Alert", "Severity", "Open since", "What is the case"), rows
    )
    said = f"{numbers.counted(len(alerts), 'alert is', 'alerts are')} open."
    return Section("alerts", "What needs a person?", said, (Part("Open alerts", (table,)),))


def _runs_section(runs: Sequence[RunRecord]) -> Section:
    question = "How did the last runs end?"
    if not runs:
        blocks = (Absent("No run is recorded yet."),)
        return Section("runs", question, "None is known.", (Part("Runs", blocks),))
    rows = [
        (
            Noted(one.run_id, one.kind),
            Badge(one.state, _tone(one)),
            numbers.moment(one.started_at.isoformat()),
            numbers.duration(one.seconds) if one.seconds is not None else numbers.NOT_KNOWN,
            Noted(numbers.moments_in(one.sentence), f"Failed at {one.failed_node}")
            if one.failed_node
            else numbers.moments_in(one.sentence),
        )
        for one in runs
    ]
    columns = ("Run", "State", "Started", "Took#", "What came of it")
    parts = (Part("Runs", (Table.of("Runs, newest first", columns, rows),)),)
    return Section("runs", question, _runs_answer(runs), parts)


def _runs_answer(runs: Sequence[RunRecord]) -> str:
    failed = [one for one in runs if _tone(one) == BAD]
    if not failed:
        return f"None of the last {len(runs)} failed." if len(runs) > 1 else "It did not fail."
    newest = failed[0]
    at = f" at {newest.failed_node}" if newest.failed_node else ""
    return (
        f"{len(failed)} of the last {len(runs)} did not end well; the newest of these, "
        f"{newest.kind} {newest.run_id}, {newest.state}{at}: "
        f"{sentence(numbers.moments_in(newest.sentence))}"
    )


def _bands_section(log: PublicationLog) -> Section:
    question = "How are the scores spread?"
    shown = [one for one in log.not_undone if one.kind == PUBLISHED][-_PUBLICATIONS:]
    if not shown:
        parts = (Part("Accounts by band", (Absent("Nothing was published yet."),)),)
        return Section("bands", question, "Not known.", parts)
    counts = {
        band: [round(one.category_shares.get(band, 0) * one.rows_written) for one in shown]
        for band in _BANDS
    }
    last, before = -1, max(-len(shown), -2)
    said = ", ".join(f"{numbers.count(counts[band][last])} {band}" for band in _BANDS)
    here = f"{said}, as of {numbers.moment(shown[last].as_of.isoformat())}."
    grown = sum(counts[band][last] - counts[band][before] for band in _DRAWN[:2])
    since = f"{grown:+,}".replace("-", numbers.MINUS) if grown else "as many"
    answer = (
        f"{here} High or critical since the publication before: {since}."
        if len(shown) > 1
        else here
    )
    figure = _bands_figure(shown, counts, here)
    return Section("bands", question, answer, (Part("Accounts by band", (figure,)),))


def _bands_figure(shown: Sequence[LogEntry], counts: dict[str, list[int]], here: str) -> Figure:
    moments = [one.as_of for one in shown]
    lines = [
        Line(
            [At(moment, float(count)) for moment, count in zip(moments, counts[band], strict=True)],
            *_LOOKS[band],
            dots=len(moments) <= _DOTS,
        )
        for band in _DRAWN
    ]
    rows = [
        (
            numbers.moment(one.as_of.isoformat()),
            *(numbers.count(counts[band][place]) for band in _BANDS),
            one.model_version,
        )
        for place, one in reversed(list(enumerate(shown))[-_ROWS:])
    ]
    columns = ("As of", *(f"{band.capitalize()}#" for band in _BANDS), "Model")
    return Figure(
        picture=over_time(
            lines, y="accounts", label=f"Accounts by band: {here}", number_format="~s"
        ),
        here=here,
        shows="How many accounts each publication put into the bands above low.",
        good="Lines that move slowly, as customers do.",
        bad="A step of all lines at once: look at the monitor for what moved the scores.",
        table=Table.of("Accounts by band, newest first", columns, rows, folded=True),
        key=tuple(Key(band, band) for band in _DRAWN),
    )


def _truth_section(cursor: Cursor) -> Section:
    course = read_course(cursor)
    said = truth_answer(read_progress(cursor), course)
    return Section("truth", "Did it come true?", said, tuple(performance_parts(course)))


def _tone(run: RunRecord) -> str:
    if run.state == COMPLETE:
        return GOOD
    return QUIET if run.at_work else BAD


PAGE: Final = Page(
    path="/pages",
    name="Overview",
    build=_build,
    reads=(
        "tens_insight.publications",
        "tens_insight.refusals",
        "tens_insight.runs",
        "tens_insight.alerts",
        "tens_insight.account_risk_details",
        "tens_insight.score_windows",
        "tens_insight.outcome_windows",
        "tens_insight.model_performance",
    ),
)
