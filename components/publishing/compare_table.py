"""Whether an output table still holds what was published to it, and which rows are not ours."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import records
from components.postgres.tables import OutputTable
from components.publishing.history import rebuilt_rows
from components.publishing.publication_log import PublicationLog
from components.publishing.staging import count_rows

_QUERIES: Final = queries(__package__)
_NO_MODEL: Final = "none"


@dataclass(frozen=True)
class Comparison:
    """An output table beside the state that our publications made of it.

    Attributes:
        table: Its name.
        rows: Rows in the table.
        foreign: Rows that no publication of ours wrote so, by the model that they name.
        changed: Rows that name our newest model, and are not as it was published.
        missing: Rows that were published and are not there.
        compared: Whether the history holds all that is needed to compare; if not, the rest is 0.
    """

    table: str
    rows: int
    foreign: dict[str, int] = field(default_factory=dict)
    changed: int = 0
    missing: int = 0
    compared: bool = True

    @property
    def as_published(self) -> bool:
        """Whether the table holds the rows that were published, and no others."""
        return not (self.foreign or self.changed or self.missing)

    def sentences(self) -> Iterator[str]:
        """Yields what is not as published."""
        for model, rows in self.foreign.items():
            yield f"{_rows(rows)} of model {model} {_are(rows)} not ours"
        if self.changed:
            yield f"{_rows(self.changed)} changed since, not by us"
        if self.missing:
            yield f"{_rows(self.missing)} that we published {_are(self.missing)} missing"


@dataclass(frozen=True)
class _Group:
    """Rows of one model that compare alike."""

    model_version: str | None
    missing: bool
    differs: bool
    rows: int


def compare_table(cursor: Cursor, table: OutputTable, log: PublicationLog) -> Comparison:
    """Compares a table, to the last bit, with the state after its newest publication.

    One pass over the table and its history: 0.7 s for 100,000 rows on a busy machine.

    Args:
        cursor: Of the transaction in which the log was read.
        table: The output table.
        log: Its log.
    """
    newest, layers = log.newest, log.layers(log.newest)
    if layers is None:
        return Comparison(table.name, count_rows(cursor, table.identifier), compared=False)
    key = table.key[0]
    statement = sql.SQL(_QUERIES["table_against_publications"]).format(
        published=rebuilt_rows(table, layers),
        rows=table.rows,
        same=table.same_key("p", "r"),
        row_key=sql.Identifier("r", key),
    )
    cursor.execute(statement)
    found = records(cursor, _Group)
    ours = newest.models if newest else frozenset()
    foreign: Counter[str] = Counter()
    for group in found:
        if group.differs and not group.missing and group.model_version not in ours:
            foreign[group.model_version or _NO_MODEL] += group.rows
    return Comparison(
        table=table.name,
        rows=sum(group.rows for group in found if not group.missing),
        foreign=dict(foreign.most_common()),
        changed=sum(
            group.rows
            for group in found
            if group.differs and not group.missing and group.model_version in ours
        ),
        missing=sum(group.rows for group in found if group.missing),
    )


def _rows(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
