"""Records what became of the accounts that were scored: all of it in one transaction.

When accounts were gone is kept by account, in account_departures; which outcome a score of a
closed window has follows from that, in the view score_outcomes. So a date that arrives late
corrects all windows that it lies in, at the price of the accounts that changed.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.ahead import taken
from components.feedback_example_gen.reading.feedback_reader import ChurnSource
from components.feedback_example_gen.request import ACCOUNT_CHURN
from components.outcome_recorder.foreseen import Estimates, Foreseen, estimates_key, foresee
from components.outcome_recorder.judge import Actions, judge
from components.outcome_recorder.missed import note_missed
from components.outcome_recorder.performance_rows import Judged
from components.outcome_recorder.silences import begin_look, end_look
from components.outcome_recorder.windows import ClosedWindow, Due, Truth, due_windows
from components.postgres.connection import begin_writing, connect
from components.postgres.failures import explained
from components.postgres.moments import EARLIEST
from components.postgres.names import table_identifier
from components.postgres.queries import queries
from components.postgres.rows import one_record, records
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.lock import lock_table
from components.registry.published_properties import ESTIMATED_METRICS, Estimated
from transforms.thresholds import CRITICAL_PRIORITY

_QUERIES: Final = queries(__package__)

_FEW: Final = 10
"""Departures that may be withdrawn at once, however few were recorded."""
_MOST_WITHDRAWN: Final = 0.5
"""Share of the recorded departures beyond which their table is taken for broken."""
_WORK_MEM: Final = "64MB"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """The run that records.

    Attributes:
        run_id: Its name.
        publication_id: Of the scores that it published.
        truth: What it knows of who left.
        churn: The table of churn dates and its columns.
        critical_priority: Lowest priority (1..5) of feedback that is critical.
        actions: Where it is written down what a team did; None without such a table.
        scores: Folder of the shards of the scores.
    """

    run_id: str
    publication_id: int
    truth: Truth
    churn: ChurnSource
    critical_priority: int = CRITICAL_PRIORITY
    actions: Actions | None = None
    scores: str = ""


@dataclass(frozen=True)
class MeasuredWindow:
    """One window that was measured now.

    Attributes:
        publication_id: In the log of publications.
        horizon_days: Days.
        not_known: Why nothing is known of it; None where it is.
        accounts: Scores.
        left_count: How many left.
        unknown_count: Of how many nothing is known.
        again: Whether it was measured before, when nothing was known.
    """

    publication_id: int
    horizon_days: int
    not_known: str | None
    accounts: int
    left_count: int
    unknown_count: int
    again: bool


@dataclass(frozen=True)
class Correction:
    """Outcomes of one window that are others than before; the names are those of the query."""

    publication_id: int
    horizon_days: int
    rows: int
    more_left: int
    more_unknown: int


@dataclass(frozen=True)
class OpenWindows:
    """Windows that are not over: how many, and when the first one is, UTC."""

    windows: int
    next: datetime | None


@dataclass(frozen=True)
class Recorded:
    """What was recorded.

    Attributes:
        measured: Windows that were measured now.
        corrections: Of windows that were measured before.
        waiting: Windows that are over, but not as far as the ground truth is known.
        open: Windows that are not over.
        judged: Windows whose performance was measured, or measured again.
        foreseen: Windows that are not over, and whose performance was estimated.
        missed: Accounts that left with a low score and were noted now.
        withheld: Why nothing was corrected; None where it was.
        estimated: What is expected of the scores that the run published, by metric.
    """

    measured: Sequence[MeasuredWindow]
    corrections: Sequence[Correction]
    waiting: int
    open: OpenWindows
    judged: Sequence[Judged] = ()
    foreseen: Sequence[Foreseen] = ()
    missed: int = 0
    withheld: str | None = None
    estimated: Mapping[str, Estimated] = field(default_factory=dict)


@dataclass(frozen=True)
class _Kept:
    oldest: datetime | None
    silence_days: int | None


@dataclass(frozen=True)
class _Withdrawn:
    recorded: int
    withdrawn: int


def record_outcomes(run: Run) -> Recorded:
    """Measures what is over, and corrects what was recorded; done again, it changes nothing.

    Raises:
        PublicationRefused: Somebody else is publishing, or undoing, for long.
        DatabaseUnreachable: No connection, or it was lost.
        ContractBroken: A table, column or privilege is missing.
    """
    early = taken(estimates_key(run.scores), lambda: None)
    with closing(connect("tens-insight outcomes")) as connection:
        begin_writing(connection)
        with explained(connection), connection, connection.cursor() as cursor:
            lock_table(cursor, ACCOUNT_RISK_SCORES)  # nothing is published, undone or forgotten
            cursor.execute("SELECT set_config('work_mem', %s, true)", (_WORK_MEM,))
            return _record(cursor, run, early)


def _record(cursor: Cursor, run: Run, early: Estimates | None) -> Recorded:
    truth = run.truth
    due = due_windows(_closed(cursor, truth.as_of), truth)
    corrections, withheld = _correct_departures(cursor, run)
    if withheld is not None:
        _log.warning("%s", withheld)
        known = [window for window in due.windows if window.label_source != truth.label_source]
        due = Due(known, due.waiting + len(due.windows) - len(known))
    corrections = _together([*corrections, *_look_for_accounts(cursor, run, due.windows)])
    _correct(cursor, corrections)
    measured = _measure(cursor, run, due.windows)
    changed = {(one.publication_id, one.horizon_days) for one in measured}
    changed |= {(one.publication_id, one.horizon_days) for one in corrections}
    judged = judge(cursor, sorted(changed), run.actions)
    corrected = {one.publication_id for one in corrections}
    foreseen = foresee(cursor, judged, run.publication_id, truth.as_of, early)
    return Recorded(
        measured=measured,
        corrections=corrections,
        waiting=due.waiting,
        open=_open(cursor, truth.as_of),
        judged=judged,
        foreseen=foreseen,
        missed=note_missed(cursor, judged, corrected, run.critical_priority),
        withheld=withheld,
        estimated=_estimated(cursor, run.publication_id),
    )


def _estimated(cursor: Cursor, publication_id: int) -> dict[str, Estimated]:
    """Returns what is expected of a publication whose window is open, over all accounts."""
    values = {"publication_id": publication_id, "metrics": list(ESTIMATED_METRICS)}
    cursor.execute(_QUERIES["estimate_of_publication"], values)
    return {metric: Estimated(*found) for metric, *found in cursor.fetchall()}


def _closed(cursor: Cursor, as_of: datetime) -> list[ClosedWindow]:
    cursor.execute(_QUERIES["publications_to_close"], {"as_of": as_of})
    return records(cursor, ClosedWindow)


def _open(cursor: Cursor, as_of: datetime) -> OpenWindows:
    cursor.execute(_QUERIES["open_windows"], {"as_of": as_of})
    return one_record(cursor, OpenWindows)


def _correct_departures(cursor: Cursor, run: Run) -> tuple[list[Correction], str | None]:
    """Looks at the ground truth again, and keeps it as it is now.

    Returns:
        What that changes in windows that were measured before; and why it was not done.
    """
    truth = run.truth
    values: dict[str, Any] = {"label_source": truth.label_source, "as_of": truth.as_of}
    cursor.execute(_QUERIES["kept_publications"], values)
    kept = one_record(cursor, _Kept)
    if kept.oldest is None or truth.known is None:
        return [], None
    values |= {
        "oldest": kept.oldest,
        "silence_days": kept.silence_days,
        "earliest": EARLIEST,
        "publication_id": run.publication_id,
        "begins": [begin for begin, _ in truth.known.unknown],
        "ends": [end for _, end in truth.known.unknown],
    }
    look = None
    if truth.label_source != ACCOUNT_CHURN:
        look = begin_look(cursor, values)
    chosen = sql.SQL(_QUERIES["of_looked_at"] if look and look.at_some else "true")

    def execute(query: str) -> None:
        cursor.execute(sql.SQL(_QUERIES[query]).format(of_looked_at=chosen), values)

    _find_departures(cursor, run, values, execute)
    execute("withdrawn_share")
    found = one_record(cursor, _Withdrawn)
    if found.withdrawn > max(_FEW, _MOST_WITHDRAWN * found.recorded):
        return [], _withheld(run, found)
    execute("changed_departures")
    cursor.execute("ANALYZE changed_departures")
    cursor.execute(_corrections(), values)
    corrections = records(cursor, Correction)
    execute("drop_departures")
    cursor.execute(_QUERIES["keep_departures"], values)
    if look is not None:
        end_look(cursor, look, values)
    return corrections, None


def _find_departures(
    cursor: Cursor, run: Run, values: Mapping[str, Any], execute: Callable[[str], None]
) -> None:
    """Makes the temporary table found_departures."""
    if run.truth.label_source != ACCOUNT_CHURN:
        execute("departures_by_silence")
    else:
        statement = sql.SQL(_QUERIES["departures_by_date"]).format(
            table=table_identifier(run.churn.table),
            account_column=sql.Identifier(run.churn.account_column),
            date_column=sql.Identifier(run.churn.date_column),
        )
        cursor.execute(statement, values)
        cursor.execute(_QUERIES["keep_unknown_departures"], values)
    cursor.execute("CREATE INDEX ON found_departures (account_id)")
    cursor.execute("ANALYZE found_departures")


def _corrections() -> sql.Composed:
    """Compares outcomes by what was recorded with those by what was found now."""
    left_at = sql.SQL(_QUERIES["left_at"])
    return sql.SQL(_QUERIES["corrections"]).format(
        former=left_at.format(
            departures=sql.Identifier("tens_insight", "account_departures"),
            own=sql.SQL("gone.label_source = %(label_source)s"),
            alias=sql.Identifier("former"),
        ),
        now=left_at.format(
            departures=sql.Identifier("found_departures"),
            own=sql.SQL("true"),
            alias=sql.Identifier("now"),
        ),
    )


def _withheld(run: Run, found: _Withdrawn) -> str:
    return (
        f"{found.withdrawn} of {found.recorded} departures that were recorded from "
        f"{run.churn.table} are not in it any more: that looks like a broken export, so the "
        "outcomes stay as they were and no window was measured. Complete the table; if these "
        "accounts did not leave, remove their rows from tens_insight.account_departures."
    )


def _look_for_accounts(
    cursor: Cursor, run: Run, windows: Iterable[ClosedWindow]
) -> list[Correction]:
    """Notes which accounts of the windows are gone from the feedback, and which came back."""
    values = {
        "publications": sorted({window.publication_id for window in windows}),
        "publication_id": run.publication_id,
        "as_of": run.truth.as_of,
        "earliest": EARLIEST,
    }
    cursor.execute(_QUERIES["looked_for"], values)
    cursor.execute(_QUERIES["found_again"], values)
    corrections = records(cursor, Correction)
    cursor.execute(_QUERIES["forget_missing"], values)
    cursor.execute(_QUERIES["keep_missing"], values)
    return corrections


def _correct(cursor: Cursor, corrections: Iterable[Correction]) -> None:
    for one in corrections:
        cursor.execute(_QUERIES["correct_window"], vars(one))


def _together(corrections: Iterable[Correction]) -> list[Correction]:
    """Adds up the corrections of the same window."""
    found: dict[tuple[int, int], Correction] = {}
    for one in corrections:
        key = (one.publication_id, one.horizon_days)
        other = found.get(key)
        if other is not None:
            one = Correction(
                *key,
                one.rows + other.rows,
                one.more_left + other.more_left,
                one.more_unknown + other.more_unknown,
            )
        found[key] = one
    return list(found.values())


def _measure(cursor: Cursor, run: Run, windows: Sequence[ClosedWindow]) -> list[MeasuredWindow]:
    """Counts outcomes, one publication after the other."""
    measured = []
    for publication in sorted({window.publication_id for window in windows}):
        own = [window for window in windows if window.publication_id == publication]
        values = {
            "as_of": run.truth.as_of,
            "run_id": run.run_id,
            "publications": [window.publication_id for window in own],
            "horizons": [window.horizon_days for window in own],
            "not_known": [window.not_known for window in own],
        }
        cursor.execute(_QUERIES["measure"], values)
        measured += records(cursor, MeasuredWindow)
    return measured
