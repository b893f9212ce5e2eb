"""Asks the feedback for the cause of a change, and keeps the answer with the publication."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components import ahead
from components.causes.feedback_counts import read_feedback_counts
from components.causes.verdict import Verdict, verdict
from components.feedback_example_gen.counted_days import kept_counts
from components.postgres.connection import begin_writing, connect
from components.postgres.failures import explained
from components.postgres.queries import queries
from components.postgres.retry import retried
from components.postgres.rows import records
from components.publishing.written import run_on_table

_QUERIES: Final = queries(__package__)
TABLE: Final = "tens_insight.score_causes"


@dataclass(frozen=True)
class RecordedCause:
    """A verdict that was recorded; as_of is UTC."""

    publication_id: int
    as_of: datetime
    cause: str
    days_ago: int | None
    evidence: list[str]


def record_cause(
    publication_id: int, as_of: datetime, *, history_days: int, patience_s: float, split: str = ""
) -> Verdict:
    """Reads the counts of feedback before a publication's moment, and records the verdict.

    Done again it replaces what was recorded; of a publication that was undone nothing is kept.

    Args:
        publication_id: Of account_risk_scores.
        as_of: The moment that it speaks of.
        history_days: For how long verdicts are kept.
        patience_s: Seconds for which a server that does not answer is waited for.
        split: Folder of the split that was scored, for what was counted when it was made.

    Raises:
        DatabaseUnreachable: No connection, or lost for good.
        ContractBroken: A table or privilege is missing.
    """

    def work() -> Verdict:
        with closing(connect("tens-insight monitor")) as connection:
            begin_writing(connection)
            with explained(connection), connection, connection.cursor() as cursor:
                found = ahead.taken(_key(as_of), lambda: _verdict(cursor, as_of, split))
                _write(cursor, publication_id, found, history_days)
        return found

    return retried(work, patience_s=patience_s)


def cause_ahead(as_of: datetime, split: str) -> ahead.Piece:
    """Returns what of it can be begun before the scores are published; as for record_cause."""

    def work() -> Verdict:
        with closing(connect("tens-insight monitor")) as connection, connection.cursor() as cursor:
            return _verdict(cursor, as_of, split)

    return _key(as_of), work


def _verdict(cursor: Cursor, as_of: datetime, split: str) -> Verdict:
    return verdict(read_feedback_counts(cursor, as_of, kept_counts(split, as_of)))


def _key(as_of: datetime) -> tuple[str, datetime]:
    return "cause", as_of


def read_causes(cursor: Cursor, limit: int) -> list[RecordedCause]:
    """Returns the newest verdicts of publications that were not undone, newest first."""
    cursor.execute(_QUERIES["causes"], {"limit": limit})
    return records(cursor, RecordedCause)


def _write(cursor: Cursor, publication_id: int, found: Verdict, history_days: int) -> None:
    named = {"publication_id": publication_id}
    run_on_table(cursor, sql.SQL(_QUERIES["drop_cause"]), TABLE, {**named, "days": history_days})
    values = {
        **named,
        "cause": found.cause,
        "days_ago": found.days_ago,
        "evidence": list(found.evidence),
    }
    run_on_table(cursor, sql.SQL(_QUERIES["record_cause"]), TABLE, values)
