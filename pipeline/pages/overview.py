"""Is it well? The age of the scores, the last runs, what needs a person."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from components.alerts.alert_table import StoredAlert, read_alerts
from components.page import numbers
from components.page.blocks import (
    BAD,
    GOOD,
    QUIET,
    WARN,
    Absent,
    Badge,
    Noted,
    Part,
    Section,
    Table,
)
from components.page.words import sentence
from pipeline.pages.page import Page, Shown, View
from pipeline.runs.record import COMPLETE, RunRecord
from pipeline.status import Status, hours, status_on

_RUNS: Final = 8
_BANDS: Final = ("critical", "high", "medium", "low")
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
    sections = (_alerts_section(alerts), _runs_section(status.runs))
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
        yield Tile("Age of the scores", hours(age), as_of, BAD if is_old else GOOD)
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
    ),
)
