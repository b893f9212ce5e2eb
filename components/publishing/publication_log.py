"""What was published to a table, in order, and of which rows each state of it is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.tables import OutputTable

_QUERIES: Final = queries(__package__)

PUBLISHED: Final = "published"
EXISTING: Final = "existing"


@dataclass(frozen=True)
class LogEntry:
    """One publication, or the rows that were there before the first; moments are UTC.

    Attributes:
        publication_id: Later publications to a table have higher ones.
        table: Name of the output table.
        kind: PUBLISHED or EXISTING.
        as_of: The run's now; of existing rows the newest predicted_at.
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
        undone_at: When it was undone; None if it stands.
        undone_by: Who undid it.
        undo_reason: Why.
        dropped_up_to: Rows that this publication or an earlier one replaced were dropped.
        risk_bands: The rule of the categories, its cuts and the base rate, and under
            `changed_from` the rule of the last publication, where that was another; None for
            existing rows and for a table without categories.
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

    @property
    def has_all_rows(self) -> bool:
        """Whether every row that it wrote is in the history."""
        return self.dropped_up_to is None


@dataclass(frozen=True)
class PublicationLog:
    """All publications to one table, oldest first."""

    entries: Sequence[LogEntry]

    @property
    def standing(self) -> list[LogEntry]:
        """Those that were not undone, oldest first."""
        return [entry for entry in self.entries if entry.undone_at is None]

    @property
    def newest(self) -> LogEntry | None:
        """The one whose state the table shows."""
        return self.standing[-1] if self.standing else None

    @property
    def previous(self) -> LogEntry | None:
        """The one whose state undoing the newest brings back."""
        return self.standing[-2] if len(self.standing) > 1 else None

    def layers(self, entry: LogEntry | None) -> list[int] | None:
        """Returns the publications whose rows make up the state after one that stands.

        The state holds of each key the newest row of the layers. They reach back to the
        last publication that removed all other rows.

        Args:
            entry: One that stands; None for the state before any, an empty table.

        Returns:
            Ids, newest first; None where the history does not hold all that is needed.
        """
        if entry is None:
            return []
        found = []
        for one in reversed(self.standing):
            if one.publication_id > entry.publication_id:
                continue
            if (one.dropped_up_to or 0) > entry.publication_id:
                return None
            found.append(one.publication_id)
            if one.removes_others:
                break
        return found

    def expired(self, now: datetime, days: int) -> list[int]:
        """Returns the publications older than `days`, save those of the two newest states."""
        kept = {one.publication_id for one in self.standing[-2:]}
        return [
            one.publication_id
            for one in self.entries
            if one.publication_id not in kept and one.published_at < now - timedelta(days=days)
        ]


def read_log(cursor: Cursor, target: OutputTable) -> PublicationLog:
    """Reads the log of a table, inside the caller's transaction."""
    rows: list[tuple[Any, ...]]
    cursor.execute(_QUERIES["publication_log"], {"table": target.name})
    rows = cursor.fetchall()
    return PublicationLog([LogEntry(*row) for row in rows])
