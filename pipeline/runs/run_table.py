"""The table tens_insight.runs: every attempt, where the database answered at its end or later."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import record, records
from components.postgres.tables import OUTPUT_TABLES
from pipeline.runs.record import KEPT_IN_ANY_CASE, NOT_STARTED, SILENT, RunRecord
from pipeline.runs.signs_of_life import SILENT_AFTER

_QUERIES: Final = queries(__package__)
_ARRAYS: Final = ("published", "warnings")
_FILLED: Final = ("seen_at",)
"""Columns that the database fills."""
_LONGEST: Final = 4_000
"""Characters of a text; the log file has it in full."""


@dataclass(frozen=True)
class _Row:
    """A row of the table."""

    run_id: str
    kind: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    run_by: str
    exit_code: int | None
    error: str
    sentence: str
    failed_node: str
    model_version: str
    published: list[str]
    warnings: list[str]
    log: str
    report: str
    state_dir: str
    seen_at: datetime
    silent: bool

    def as_record(self) -> RunRecord:
        lists = {name: tuple(getattr(self, name)) for name in _ARRAYS}
        values = asdict(self) | lists | {"seen_at": self.seen_at.astimezone(timezone.utc)}
        if values.pop("silent"):
            values |= {"state": SILENT, "sentence": self._silence()}
        return RunRecord(**values, in_database=True)

    def _silence(self) -> str:
        return (
            f"No sign of life since {self.seen_at.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC: "
            "the process was killed, its machine is down, or it does not reach the database. "
            f"`tens-insight status` there, with {self.state_dir or 'its state directory'}, knows."
        )


@dataclass(frozen=True)
class PublishedByRun:
    """What a run published to one output table, whether it was undone or not."""

    run_id: str
    target_table: str
    rows_written: int


def put_records(cursor: Cursor, found: Sequence[RunRecord]) -> None:
    """Writes records, each in place of what the table has of its run."""
    for one in found:
        cursor.execute(_QUERIES["put_run"], _parameters(one))


def read_records(cursor: Cursor, limit: int) -> list[RunRecord]:
    """Returns the newest records, newest first."""
    cursor.execute(_QUERIES["newest_runs"], {"limit": limit, "silent_after": SILENT_AFTER})
    return [row.as_record() for row in records(cursor, _Row)]


def read_record(cursor: Cursor, run_id: str) -> RunRecord | None:
    """Returns the record of a run; None where there is none."""
    cursor.execute(_QUERIES["run"], {"run_id": run_id, "silent_after": SILENT_AFTER})
    row = record(cursor, _Row)
    return row.as_record() if row else None


def altered_columns(cursor: Cursor, written: RunRecord) -> list[str]:
    """Returns the columns in which the table has something else of a run than was written.

    Triggers and rules of its owner may change a row, or drop it: then it is every column.
    """
    cursor.execute(_QUERIES["run"], {"run_id": written.run_id, "silent_after": SILENT_AFTER})
    found = record(cursor, _Row)
    if found is None:
        return ["every column: the row is not there"]
    wanted, has = _parameters(written), asdict(found)
    return [
        name for name in has if name in wanted and name not in _FILLED and has[name] != wanted[name]
    ]


def tell_alive(cursor: Cursor, run_id: str) -> None:
    """Says that a run is still at work; nothing of one that has ended."""
    cursor.execute(_QUERIES["sign_of_life"], {"run_id": run_id})


def drop_old_runs(cursor: Cursor, days: int) -> None:
    """Removes what began longer ago than so many days, but for the newest runs."""
    parameters = {"age": timedelta(days=days), "keep": KEPT_IN_ANY_CASE}
    cursor.execute(_QUERIES["drop_runs"], parameters)


def published_by(cursor: Cursor, run_ids: Collection[str]) -> list[PublishedByRun]:
    """Returns what runs published, oldest first."""
    cursor.execute(_QUERIES["published_by_runs"], {"run_ids": list(run_ids)})
    return records(cursor, PublishedByRun)


def with_publications(cursor: Cursor, found: Sequence[RunRecord]) -> list[RunRecord]:
    """Adds what the log of publications knows of runs that did not say what they published."""
    silent = [one.run_id for one in found if not (one.published or one.state == NOT_STARTED)]
    units = {table.name: table.unit for table in OUTPUT_TABLES}
    said: dict[str, list[str]] = {}
    for one in published_by(cursor, silent) if silent else ():
        unit = units.get(one.target_table, "rows")
        sentence = f"Published {one.rows_written} {unit} to {one.target_table}."
        said.setdefault(one.run_id, []).append(sentence)
    return [replace(one, published=tuple(said.get(one.run_id, one.published))) for one in found]


def _parameters(one: RunRecord) -> dict[str, Any]:
    values = {
        name: _text(value) if isinstance(value, str) else value
        for name, value in asdict(one).items()
    }
    return values | {name: list(map(_text, values[name])) for name in _ARRAYS}


def _text(text: str) -> str:
    """Returns what Postgres can hold of a text."""
    shown = text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 4]} ..."
