"""How two publications, a refusal or the table as it is now differ."""

from dataclasses import dataclass
from typing import Any, Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.tables import OUTPUT_TABLES, OutputTable
from components.publishing.history import table_rows
from components.publishing.publication_log import read_log
from components.publishing.refusals import read_refusals
from components.publishing.staging import Summary, summary

_QUERIES: Final = queries(__package__)

NOW: Final = "now"


@dataclass(frozen=True)
class Side:
    """Rows to compare: their name, and the FROM item that yields them."""

    name: str
    target: OutputTable
    rows: sql.Composable


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
        sides: Count, mean and categories of each.
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
    sides: tuple[Summary, Summary]
    common: int
    changed: int
    mean_move: float | None
    matrix: list[tuple[str, str, int]]
    moved: list[Moved]
    appeared: Missing
    vanished: Missing


def find_sides(cursor: Cursor, first: str, second: str) -> tuple[Side, Side]:
    """Finds what two names stand for.

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
    one, two = one or _now(known.target), two or _now(known.target)
    if one.target is not two.target:
        raise ValueError(
            f"{first} is of {one.target.name} and {second} of {two.target.name}; "
            "only rows of one table can be compared"
        )
    return one, two


def difference(cursor: Cursor, a: Side, b: Side, top: int) -> Difference:
    """Compares two sides; `top` is how many keys to name of each kind."""
    target = a.target
    common, changed, mean_move = _ask(cursor, "diff_common", a, b)[0]
    matrix = _ask(cursor, "diff_matrix", a, b) if target.category else []
    return Difference(
        table=target.name,
        names=(a.name, b.name),
        sides=(_summary(cursor, a), _summary(cursor, b)),
        common=common,
        changed=changed,
        mean_move=mean_move,
        matrix=matrix,
        moved=[Moved(*row) for row in _ask(cursor, "diff_moved", a, b, top)],
        appeared=_missing(cursor, b, a, top),
        vanished=_missing(cursor, a, b, top),
    )


def _now(target: OutputTable) -> Side:
    return Side(NOW, target, table_rows(target))


def _recorded(cursor: Cursor, name: str) -> Side:
    number = name.removeprefix("r")
    if not number.isdecimal():
        raise ValueError(f"{name!r} is no publication (12), no refusal (r3) and not {NOW!r}")
    find = _refused if name != number else _published
    for target in OUTPUT_TABLES:
        side = find(cursor, target, int(number))
        if side is not None:
            return side
    raise ValueError(f"there is no {name}; `tens-insight publications list` shows all")


def _published(cursor: Cursor, target: OutputTable, number: int) -> Side | None:
    for entry in read_log(cursor, target).entries:
        if entry.publication_id == number:
            if not entry.has_all_rows:
                raise ValueError(f"the rows of {number} are not, or not all, in the history")
            return _side(str(number), target, target.history_table, "publication_id", number)
    return None


def _refused(cursor: Cursor, target: OutputTable, number: int) -> Side | None:
    if number not in {one.refusal_id for one in read_refusals(cursor, target)}:
        return None
    return _side(f"r{number}", target, target.refused_table, "refusal_id", number)


def _side(name: str, target: OutputTable, table: sql.Identifier, column: str, number: int) -> Side:
    rows = sql.SQL("(SELECT {} FROM {} WHERE {} = {})").format(
        target.column_list, table, sql.Identifier(column), sql.Literal(number)
    )
    return Side(name, target, rows)


def _summary(cursor: Cursor, side: Side) -> Summary:
    rows = sql.SQL("{} AS side").format(side.rows)
    cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(rows))
    (count,) = cursor.fetchone() or (0,)
    return summary(cursor, side.target, rows, count)


def _missing(cursor: Cursor, a: Side, b: Side, top: int) -> Missing:
    rows = _ask(cursor, "diff_missing", a, b, max(top, 1))
    return Missing(rows[0][2] if rows else 0, [row[:2] for row in rows[:top]])


def _ask(cursor: Cursor, query: str, a: Side, b: Side, top: int = 0) -> list[tuple[Any, ...]]:
    target = a.target
    key = sql.SQL(", ").join(sql.Identifier("a", name) for name in target.key)
    statement = sql.SQL(_QUERIES[query]).format(
        a=a.rows,
        b=b.rows,
        key=key,
        same=target.same_key("a", "b"),
        value=sql.Identifier(target.value),
        category=sql.Identifier(target.category or ""),
    )
    cursor.execute(statement, {"top": top})
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
