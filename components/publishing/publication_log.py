"""The log of publications: what was published to a table, and what each state is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import one_record, record, records
from components.postgres.tables import OutputTable
from components.publishing.publication import Published
from components.publishing.written import append_to
from serving_model.served.risk_bands import CONTRACT_BANDS, RiskBands

_QUERIES: Final = queries(__package__)

PUBLISHED: Final = "published"
EXISTING: Final = "existing"
INCREMENTAL: Final = "incremental"

_OF_TABLE: Final = "WHERE target_table = %(table)s ORDER BY publication_id"
_LAST: Final = (
    "WHERE target_table = %(table)s AND kind = 'published' AND undone_at IS NULL "
    "ORDER BY as_of DESC, publication_id DESC LIMIT 1"
)
_OF_ATTEMPT: Final = "WHERE attempt = %(attempt)s"


@dataclass(frozen=True)
class LogEntry:
    """One publication, or the rows that were there before the first; moments are UTC.

    Attributes:
        publication_id: Later publications to a table have higher ones.
        table: Name of the output table.
        kind: PUBLISHED, EXISTING or INCREMENTAL.
        as_of: The run's now; of existing rows, and of an incremental publication, the newest
            predicted_at.
        published_at: By the server's clock.
        rows_written: Inserted or replaced.
        rows_removed: Removed because their keys were not published any more.
        mean_probability: 0..1, where the table has probabilities.
        category_shares: Share of the rows per category, 0..1; may be empty.
        model_version: Of the rows; of existing rows that of the newest.
        label_source: What the model was taught as churn.
        run_id: The run that published.
        removes_others: Whether the table then held its rows and no others.
        published_by: Who ran it.
        accepted_shift: The reason to publish whatever the circuit breaker says.
        broken_limits: What the circuit breaker said then.
        undone_at: When it was undone; None if it was not.
        undone_by: Who undid it.
        undo_reason: Why.
        dropped_up_to: Rows that this publication or an earlier one replaced were dropped.
        risk_bands: The rule of the categories, its cuts and the base rate, and under
            `changed_from` the rule of the last publication, where that was another; None for
            existing rows and for a table without categories.
        split: How two models shared the accounts: number, a, b, share, salt, accounts_a and
            accounts_b; None where one model scored all.
        population: Who was scored: active_within_days, why, silent, silent_accounts and
            rows_after_churn; None where it was not recorded.
        increment: Of an incremental publication, what increment.py sums up of it; None of others.
    """

    publication_id: int
    table: str
    kind: str
    as_of: datetime
    published_at: datetime
    rows_written: int
    rows_removed: int
    mean_probability: float | None
    category_shares: dict[str, float]
    model_version: str
    label_source: str
    run_id: str
    removes_others: bool
    published_by: str
    accepted_shift: str | None
    broken_limits: list[str]
    undone_at: datetime | None
    undone_by: str | None
    undo_reason: str | None
    dropped_up_to: int | None
    risk_bands: dict[str, Any] | None = None
    split: dict[str, Any] | None = None
    population: dict[str, Any] | None = None
    increment: dict[str, Any] | None = None

    @property
    def is_full(self) -> bool:
        """Whether it holds all accounts of its moment, and not those alone that wrote meanwhile."""
        return self.kind != INCREMENTAL

    @property
    def models(self) -> frozenset[str]:
        """The models that its rows name."""
        split = self.split or (self.increment or {}).get("split")
        return frozenset((self.model_version, *((str(split["b"]),) if split else ())))

    @property
    def has_all_rows(self) -> bool:
        """Whether every row that it wrote is in the history."""
        return self.dropped_up_to is None

    @property
    def bands(self) -> RiskBands:
        """The rule of its categories."""
        return recorded_bands(self.risk_bands)


@dataclass(frozen=True)
class PublicationLog:
    """All publications to one table, oldest first."""

    entries: Sequence[LogEntry]

    @property
    def not_undone(self) -> list[LogEntry]:
        """Those that were not undone, oldest first."""
        return [entry for entry in self.entries if entry.undone_at is None]

    @property
    def newest(self) -> LogEntry | None:
        """The one whose state the table shows."""
        return self.not_undone[-1] if self.not_undone else None

    @property
    def previous(self) -> LogEntry | None:
        """The one whose state undoing the newest restores."""
        return self.not_undone[-2] if len(self.not_undone) > 1 else None

    @property
    def newest_full(self) -> LogEntry | None:
        """The newest one that is not incremental: what incremental ones build upon."""
        return next((one for one in reversed(self.not_undone) if one.is_full), None)

    @property
    def before_full(self) -> LogEntry | None:
        """The one whose state undoing the newest full one restores."""
        full, standing = self.newest_full, self.not_undone
        place = standing.index(full) if full is not None else 0
        return standing[place - 1] if place else None

    @property
    def increments(self) -> list[LogEntry]:
        """The incremental ones that stand upon the newest full one, oldest first."""
        full, standing = self.newest_full, self.not_undone
        return standing[standing.index(full) + 1 :] if full is not None else []

    def layers(self, entry: LogEntry | None) -> list[int] | None:
        """Returns the publications whose rows make up the state after one of them.

        The state holds of each key the newest row of the layers. They reach back to the
        last publication that removed all other rows.

        Args:
            entry: One that was not undone; None for the state before any, an empty table.

        Returns:
            Ids, newest first; None where the history does not hold all that is needed.
        """
        if entry is None:
            return []
        layers = []
        for candidate in reversed(self.not_undone):
            if candidate.publication_id > entry.publication_id:
                continue
            if (candidate.dropped_up_to or 0) > entry.publication_id:
                return None
            layers.append(candidate.publication_id)
            if candidate.removes_others:
                break
        return layers

    def expired(self, now: datetime, days: int) -> list[int]:
        """Returns the publications older than `days`, except those of the newest states.

        These are the state before the newest full publication, and all from that one on.
        """
        newest = (self.before_full, self.newest_full, *self.increments)
        kept = {entry.publication_id for entry in newest if entry is not None}
        return [
            entry.publication_id
            for entry in self.entries
            if entry.publication_id not in kept and entry.published_at < now - timedelta(days=days)
        ]


@dataclass(frozen=True)
class Recorded:
    """What the database gave a new line of the log; published_at by its clock."""

    publication_id: int
    published_at: datetime


def read_log(cursor: Cursor, table: OutputTable) -> PublicationLog:
    """Reads the log of a table, inside the caller's transaction."""
    cursor.execute(_QUERIES["publications"] + _OF_TABLE, {"table": table.name})
    return PublicationLog(records(cursor, LogEntry))


def last_publication(cursor: Cursor, table: OutputTable) -> LogEntry | None:
    """Reads the newest publication, by as_of, that was not undone."""
    cursor.execute(_QUERIES["publications"] + _LAST, {"table": table.name})
    return record(cursor, LogEntry)


def find_published(cursor: Cursor, attempt: str) -> Published | None:
    """Finds the publication of an attempt that was committed although its answer was lost."""
    cursor.execute(_QUERIES["publications"] + _OF_ATTEMPT, {"attempt": attempt})
    entry = record(cursor, LogEntry)
    if entry is None:
        return None
    former = (entry.risk_bands or {}).get("changed_from")
    return Published(
        written=entry.rows_written,
        removed=entry.rows_removed,
        categories={
            name: round(share * entry.rows_written) for name, share in entry.category_shares.items()
        },
        mean_probability=entry.mean_probability,
        published_at=entry.published_at.astimezone(timezone.utc),
        publication_id=entry.publication_id,
        former_bands=recorded_bands(former) if former else None,
    )


def record_publication(cursor: Cursor, line: Mapping[str, Any]) -> Recorded:
    """Adds a line to the log.

    Args:
        cursor: Of the publication's transaction.
        line: A value for each parameter of the query record_publication.

    Raises:
        PublicationRefused: The log did not take it.
        ContractBroken: It cannot be written to.
    """
    log = "tens_insight.publications"
    append_to(cursor, sql.SQL(_QUERIES["record_publication"]), log, 1, line)
    return one_record(cursor, Recorded)


def recorded_bands(rule: Mapping[str, Any] | None) -> RiskBands:
    """Reads the bands of a publication from the log; rows without a record have the contract's."""
    return RiskBands.from_rule(rule, rule.get("base_rate")) if rule else CONTRACT_BANDS
