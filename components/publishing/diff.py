"""How two publications, a refusal or the table as it is now differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import one_record, records
from components.postgres.tables import OUTPUT_TABLES, OutputTable
from components.publishing.publication_log import read_log, recorded_bands
from components.publishing.refusals import read_refusals
from components.publishing.staging import Summary, summarize
from serving_model.served.risk_bands import RiskBands

_QUERIES: Final = queries(__package__)

NOW: Final = "now"


@dataclass(frozen=True)
class Side:
    """Rows to compare: their name, the FROM item that yields them, the rule of their bands."""

    name: str
    table: OutputTable
    rows: sql.Composable
    bands: RiskBands | None = None


@dataclass(frozen=True)
class Moved:
    """A key on both sides and its value, the probability or the priority, on each."""

    key: str
    before: float
    after: float


@dataclass(frozen=True)
class Missing:
    """Keys of one side only: how many, and those of the highest values."""

    count: int
    highest: list[tuple[str, float]]


@dataclass(frozen=True)
class Difference:
    """How `b` differs from `a`.

    Attributes:
        table: Name of the output table.
        names: Of a and b.
        bands: Rule of the categories of each, a sentence; None without categories.
        bands_changed: Whether the two rules differ: then the categories of a and b do not mean
            the same, and say nothing about the accounts.
        sides: Count, mean and categories of each.
        models: How many rows of each name which model, by model.
        common: Keys on both sides.
        changed: Of these, how many have another value.
        mean_move: Mean absolute move of the value over these; None without any.
        matrix: (category in a, category in b, keys); empty without categories.
        moved: Those that moved most, farthest first.
        appeared: Keys of b alone.
        vanished: Keys of a alone.
    """

    table: str
    names: tuple[str, str]
    bands: tuple[str | None, str | None]
    bands_changed: bool
    sides: tuple[Summary, Summary]
    models: tuple[dict[str, int], dict[str, int]]
    common: int
    changed: int
    mean_move: float | None
    matrix: list[tuple[str, str, int]]
    moved: list[Moved]
    appeared: Missing
    vanished: Missing


@dataclass(frozen=True)
class _Common:
    """Of the keys on both sides: how many, how many changed, and the mean absolute move."""

    rows: int
    changed: int
    mean_move: float | None


@dataclass(frozen=True)
class _Cell:
    """How many keys went from one category to another."""

    before: str
    after: str
    rows: int


@dataclass(frozen=True)
class _MissingKey:
    """A key of one side only, its value, and how many such keys there are."""

    key: str
    value: float
    count: int


def find_sides(cursor: Cursor, first: str, second: str) -> tuple[Side, Side]:
    """Finds the rows that two names mean.

    Args:
        cursor: Of a transaction that sees one snapshot.
        first: The id of a publication, "r" and the id of a refusal, or "now", which is the
            table of the other.
        second: Likewise.

    Raises:
        ValueError: Nothing of that name, its rows are gone, or two different tables.
    """
    if first == second == NOW:
        raise ValueError("name a publication to compare the table with")
    one = None if first == NOW else _recorded(cursor, first)
    two = None if second == NOW else _recorded(cursor, second)
    known = one or two
    assert known is not None
    one, two = one or _now(cursor, known.table), two or _now(cursor, known.table)
    if one.table is not two.table:
        raise ValueError(
            f"{first} is of {one.table.name} and {second} of {two.table.name}; "
            "only rows of one table can be compared"
        )
    return one, two


def difference(cursor: Cursor, a: Side, b: Side, top: int) -> Difference:
    """Compares two sides; `top` is how many keys to name of each kind."""
    table = a.table
    _ask(cursor, "diff_common", a, b)
    common = one_record(cursor, _Common)
    _ask(cursor, "diff_moved", a, b, top)
    moved = records(cursor, Moved)
    return Difference(
        table=table.name,
        names=(a.name, b.name),
        bands=(_described(a), _described(b)),
        bands_changed=bool(a.bands and b.bands and a.bands.rule != b.bands.rule),
        sides=(_summary(cursor, a), _summary(cursor, b)),
        models=(_models(cursor, a), _models(cursor, b)),
        common=common.rows,
        changed=common.changed,
        mean_move=common.mean_move,
        matrix=_matrix(cursor, a, b),
        moved=moved,
        appeared=_missing(cursor, b, a, top),
        vanished=_missing(cursor, a, b, top),
    )


def _models(cursor: Cursor, side: Side) -> dict[str, int]:
    cursor.execute(sql.SQL(_QUERIES["rows_by_model"]).format(rows=side.rows))
    return dict(cursor.fetchall())


def _now(cursor: Cursor, table: OutputTable) -> Side:
    newest = read_log(cursor, table).newest
    return Side(NOW, table, table.rows, _bands(table, newest.risk_bands if newest else None))


def _bands(table: OutputTable, recorded: Mapping[str, Any] | None) -> RiskBands | None:
    return recorded_bands(recorded) if table.category is not None else None


def _described(side: Side) -> str | None:
    return side.bands.describe() if side.bands else None


def _recorded(cursor: Cursor, name: str) -> Side:
    number = name.removeprefix("r")
    if not number.isdecimal():
        raise ValueError(f"{name!r} is no publication (12), no refusal (r3) and not {NOW!r}")
    find = _refused if name != number else _published
    for table in OUTPUT_TABLES:
        side = find(cursor, table, int(number))
        if side is not None:
            return side
    raise ValueError(f"there is no {name}; `tens-insight publications list` shows all")


def _published(cursor: Cursor, table: OutputTable, number: int) -> Side | None:
    for entry in read_log(cursor, table).entries:
        if entry.publication_id == number:
            if not entry.has_all_rows:
                raise ValueError(f"the rows of {number} are not, or not all, in the history")
            rows = _rows(table, table.history_table, "publication_id", number)
            return Side(str(number), table, rows, _bands(table, entry.risk_bands))
    return None


def _refused(cursor: Cursor, table: OutputTable, number: int) -> Side | None:
    for refusal in read_refusals(cursor, table):
        if refusal.refusal_id == number:
            rows = _rows(table, table.refused_table, "refusal_id", number)
            return Side(f"r{number}", table, rows, _bands(table, refusal.risk_bands))
    return None


def _rows(table: OutputTable, kept: sql.Identifier, column: str, number: int) -> sql.Composed:
    return sql.SQL("(SELECT {} FROM {} WHERE {} = {})").format(
        table.column_list, kept, sql.Identifier(column), sql.Literal(number)
    )


def _summary(cursor: Cursor, side: Side) -> Summary:
    return summarize(cursor, side.table, sql.SQL("{} AS side").format(side.rows))


def _missing(cursor: Cursor, a: Side, b: Side, top: int) -> Missing:
    _ask(cursor, "diff_missing", a, b, max(top, 1))
    rows = records(cursor, _MissingKey)
    return Missing(rows[0].count if rows else 0, [(row.key, row.value) for row in rows[:top]])


def _matrix(cursor: Cursor, a: Side, b: Side) -> list[tuple[str, str, int]]:
    if a.table.category is None:
        return []
    _ask(cursor, "diff_matrix", a, b)
    cells = records(cursor, _Cell)
    return [(cell.before, cell.after, cell.rows) for cell in cells]


def _ask(cursor: Cursor, query: str, a: Side, b: Side, top: int = 0) -> None:
    table = a.table
    key = sql.SQL(", ").join(sql.Identifier("a", name) for name in table.key)
    statement = sql.SQL(_QUERIES[query]).format(
        a=a.rows,
        b=b.rows,
        key=key,
        same=table.same_key("a", "b"),
        value=sql.Identifier(table.value),
        category=sql.Identifier(table.category or ""),
    )
    cursor.execute(statement, {"top": top})
