"""`tens-insight publications`: what was published, what changed, and the way back."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from components.postgres.tables import OUTPUT_TABLES
from pipeline.commands.parts import Group, Number, examples
from pipeline.text.terminal import say, say_json

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

    from components.contributions.mean_change import MeanChange
    from components.publishing.publication_log import LogEntry
    from components.publishing.refusals import Refusal

_TABLES = click.Choice([table.short for table in OUTPUT_TABLES])
_json = click.option("--json", "as_json", is_flag=True, help="Print it as one line of JSON.")


@click.group(
    name="publications",
    cls=Group,
    epilog=examples("tens-insight publications list", "tens-insight publications undo --help"),
)
def command() -> None:
    """Lists and compares what was published, and undoes the newest.

    A publication is named by its number, a refusal of the circuit breaker by r and its
    number, and what the table holds by the word now.
    """


@command.command(
    name="list", epilog=examples("tens-insight publications list --table scores --limit 5")
)
@click.option("--table", type=_TABLES, help="Only this one. Default: all.")
@click.option("--limit", default=20, show_default=True, type=Number(1))
@_json
def list_(table: str | None, limit: int, as_json: bool) -> None:
    """Lists publications and refusals, newest first; * marks what the tables show."""
    from pipeline.text.publications import list_lines

    with _database() as cursor:
        publications = _all(cursor, table)
    rows = sorted(publications, key=lambda row: (row["at"], row["number"]), reverse=True)[:limit]
    if as_json:
        say_json(rows)
        return
    if not rows:
        say("Nothing was published or refused yet.")
        return
    for line in list_lines(rows):
        say(line)


@command.command(
    epilog=examples("tens-insight publications show 13", "tens-insight publications show r1")
)
@click.argument("name", metavar="ID")
@_json
def show(name: str, as_json: bool) -> None:
    """Shows all that is known of a publication, or of a refusal (r3)."""
    from pipeline.runs.run_table import read_record
    from pipeline.text.publications import facts
    from pipeline.text.summary import print_facts
    from pipeline.text.terminal import console

    with _database() as cursor:
        row = next((row for row in _all(cursor, None) if row["id"] == name), None)
        run = read_record(cursor, row["run_id"]) if row is not None else None
    if row is None:
        raise click.BadParameter(f"There is no {name}; `publications list` shows all.")
    row["run"] = run.as_json() if run else None
    if as_json:
        say_json(row)
    else:
        print_facts(facts(row), console())


@command.command(
    epilog=examples(
        "tens-insight publications diff 10 13",
        "tens-insight publications diff 10 13 --why",
        "tens-insight publications diff now r1 --top 3",
    )
)
@click.argument("a")
@click.argument("b")
@click.option("--top", default=20, show_default=True, type=Number(0))
@click.option(
    "--why",
    is_flag=True,
    help="Also why the mean score changed: accounts that came and left, feature groups, the model.",
)
@_json
def diff(a: str, b: str, top: int, why: bool, as_json: bool) -> None:
    """Compares the rows of two: numbers, refusals (r3), or now, the table as it is."""
    from components.publishing.diff import difference, find_sides
    from pipeline.text.mean_change import change_json, change_lines
    from pipeline.text.publications import difference_lines

    with _database() as cursor:
        try:
            sides = find_sides(cursor, a, b)
        except ValueError as error:
            raise click.BadParameter(f"{error}.", param_hint="A or B") from None
        compared = difference(cursor, *sides, top)
        change = _why(cursor, a, b) if why else None
    if as_json:
        say_json(asdict(compared) | ({"why": change_json(change)} if change else {}))
        return
    for line in difference_lines(compared):
        say(line)
    if change is not None:
        say("")
        for line in change_lines(change):
            say(line)


def _why(cursor: "Cursor", a: str, b: str) -> "MeanChange":
    """Divides the change of the mean between two publications of scores."""
    from components.contributions.mean_change import PartsNotKept, change_between
    from components.publishing.diff import NOW

    if NOW in (a, b) or not (a.isdecimal() and b.isdecimal()):
        raise click.UsageError("--why takes two publications, by their numbers.")
    try:
        return change_between(cursor, int(a), int(b))
    except PartsNotKept as error:
        raise click.UsageError(f"Why the mean changed is not known: {error}.") from None


@command.command(epilog=examples('tens-insight publications undo 13 --reason "The ETL lost ids."'))
@click.argument("publication_id", metavar="[ID]", type=int, required=False)
@click.option("--table", type=_TABLES, help="Of which the newest is undone. Default: scores.")
@click.option("--reason", required=True, help="Why, for the log.")
@click.option("--force", is_flag=True, help="Although others changed the table since.")
@_json
def undo(
    publication_id: int | None, table: str | None, reason: str, force: bool, as_json: bool
) -> None:
    """Restores the rows of the previous publication, in one transaction.

    With ID, only if that is the newest one that was not undone. Repeated, it goes one further
    back.
    """
    from components.publishing.undo import undo as undo_newest
    from pipeline.text.publications import undone_sentence

    if not reason.strip():
        raise click.BadParameter("Say why, for the log.", param_hint="--reason")
    with _database() as cursor:
        short = _table_of(cursor, publication_id, table)
    target = next(table for table in OUTPUT_TABLES if table.short == short)
    undone = undo_newest(
        target, reason=" ".join(reason.split()), publication_id=publication_id, force=force
    )
    if as_json:
        say_json(asdict(undone))
    else:
        say(undone_sentence(undone))


def _table_of(cursor: "Cursor", publication_id: int | None, table: str | None) -> str:
    if publication_id is None:
        return table or OUTPUT_TABLES[0].short
    row = next((one for one in _all(cursor, table) if one["id"] == str(publication_id)), None)
    if row is None:
        where = f" to {table}" if table else ""
        raise click.BadParameter(
            f"There is no publication {publication_id}{where}; `publications list` shows all.",
            param_hint="ID",
        )
    return str(row["short"])


def _database() -> "AbstractContextManager[Cursor]":
    from pipeline.database import consistent_read
    from pipeline.settings import load_settings

    return consistent_read(load_settings(), "publications")


def _all(cursor: "Cursor", table: str | None) -> list[dict[str, Any]]:
    """Returns the publications and refusals of one table or of all, as plain values."""
    from components.publishing.publication_log import read_log
    from components.publishing.refusals import read_refusals

    rows = []
    for target in OUTPUT_TABLES:
        short = target.short
        if table not in (None, short):
            continue
        log = read_log(cursor, target)
        rows += [_publication(short, entry, entry == log.newest) for entry in log.entries]
        rows += [_refusal(short, refusal) for refusal in read_refusals(cursor, target)]
    return rows


def _publication(short: str, entry: "LogEntry", shown: bool) -> dict[str, Any]:
    return {
        "id": str(entry.publication_id),
        "short": short,
        "number": entry.publication_id,
        "at": entry.published_at,
        "rows": entry.rows_written,
        "by": entry.published_by,
        "shown": shown,
        **asdict(entry),
        "has_all_rows": entry.has_all_rows,
    }


def _refusal(short: str, refusal: "Refusal") -> dict[str, Any]:
    return {
        "id": f"r{refusal.refusal_id}",
        "short": short,
        "number": refusal.refusal_id,
        "at": refusal.refused_at,
        "rows": refusal.rows_staged,
        "by": refusal.refused_by,
        "shown": False,
        "kind": "refused",
        **asdict(refusal),
    }
