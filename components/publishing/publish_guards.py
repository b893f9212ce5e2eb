"""Reasons not to publish, whatever was asked for: broken rows, an older run."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import PublicationRefused
from components.postgres.queries import queries
from components.postgres.tables import OutputTable
from components.publishing.publication import Publication, PublishPolicy, recorded_bands
from serving_model.served.risk_bands import RiskBands

_QUERIES: Final = queries(__package__)

_KEPT = "Nothing was published; the table is as it was."


@dataclass(frozen=True)
class LastPublication:
    """What the log says of the newest publication to a table; as_of is UTC."""

    as_of: datetime
    rows_written: int
    mean_probability: float | None
    category_shares: dict[str, float]
    run_id: str
    model_version: str
    bands: RiskBands


def last_publication(cursor: Cursor, target: OutputTable) -> LastPublication | None:
    """Reads the newest publication, by as_of, that was not undone, from the log."""
    cursor.execute(_QUERIES["last_publication"], {"table": target.name})
    row = cursor.fetchone()
    return None if row is None else LastPublication(*(*row[:-1], recorded_bands(row[-1])))


def refuse_older(
    last: LastPublication | None, publication: Publication, target: OutputTable
) -> None:
    """Never lets an older as_of replace a newer one.

    Raises:
        PublicationRefused: as_of is before the last publication's.
    """
    if last is not None and publication.as_of < last.as_of:
        raise PublicationRefused(
            f"{target.name} holds the state of {last.as_of:%Y-%m-%d %H:%M:%S %Z} (run "
            f"{last.run_id}), newer than this run's {publication.as_of:%Y-%m-%d %H:%M:%S %Z}: "
            f"an older run never replaces a newer one. {_KEPT}"
        )


def refuse_broken_rows(
    cursor: Cursor,
    target: OutputTable,
    staging: sql.Identifier,
    publication: Publication,
    policy: PublishPolicy,
) -> None:
    """Checks every staged row.

    Raises:
        PublicationRefused: Rows are missing or too many, a key comes twice, a rule of
            the table is broken, or rows are of several runs or of another model.
    """
    _refuse_wrong_count(cursor, target, staging, publication, policy)
    cursor.execute(broken_rules_query(target, staging), _limits(publication))
    problems = [
        f"{problem}, in {count} rows (first: {example!r})"
        for problem, count, example in cursor.fetchall()
    ]
    problems += _duplicates(cursor, target, staging)
    problems += _mixtures(cursor, target, staging, publication)
    if problems:
        raise PublicationRefused(
            f"The rows for {target.name} are broken: {'; '.join(problems)}. {_KEPT}"
        )


def broken_rules_query(target: OutputTable, staging: sql.Composable) -> sql.Composed:
    """Returns the query for the problems of staged rows: problem, rows, example."""
    computed = [
        sql.SQL(", " + expression + " AS {}").format(sql.Identifier(name))
        for name, expression in target.computed.items()
    ]
    rules = [
        sql.SQL("WHEN (" + rule.condition + ") IS NOT TRUE THEN {}").format(
            sql.Literal(rule.problem)
        )
        for rule in target.rules
    ]
    return sql.SQL(_QUERIES["broken_rules"]).format(
        key=target.key_list,
        columns=target.column_list,
        required=sql.SQL(", ").join(
            sql.Identifier(column.name) for column in target.columns if not column.nullable
        ),
        computed=sql.SQL("").join(computed),
        rules=sql.SQL(" ").join(rules),
        staging=staging,
    )


def _limits(publication: Publication) -> dict[str, list[float] | list[int] | None]:
    cuts, places = publication.bands.cuts, publication.bands.places
    return {"cuts": list(cuts) if cuts else None, "places": list(places) if places else None}


def _refuse_wrong_count(
    cursor: Cursor,
    target: OutputTable,
    staging: sql.Identifier,
    publication: Publication,
    policy: PublishPolicy,
) -> None:
    cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(staging))
    (count,) = cursor.fetchone() or (0,)
    if count == 0 and not policy.allow_empty:
        raise PublicationRefused(f"There are no rows to publish to {target.name}. {_KEPT}")
    if count != publication.expected_rows:
        raise PublicationRefused(
            f"{count} rows came for {target.name}, expected {publication.expected_rows}. {_KEPT}"
        )


def _duplicates(cursor: Cursor, target: OutputTable, staging: sql.Identifier) -> list[str]:
    query = sql.SQL("SELECT {key}, count(*) FROM {staging} GROUP BY {key} HAVING count(*) > 1")
    key = sql.SQL(", ").join(map(sql.Identifier, target.key))
    cursor.execute(query.format(key=key, staging=staging) + sql.SQL(" LIMIT 1"))
    row = cursor.fetchone()
    return [f"{', '.join(target.key)} {row[:-1]!r} comes {row[-1]} times"] if row else []


def _mixtures(
    cursor: Cursor, target: OutputTable, staging: sql.Identifier, publication: Publication
) -> list[str]:
    """Finds constant columns with several values, and a model that is not the announced one."""
    problems = []
    for name in target.constant:
        query = sql.SQL("SELECT DISTINCT {} FROM {} LIMIT 2")
        cursor.execute(query.format(sql.Identifier(name), staging))
        values = [row[0] for row in cursor.fetchall()]
        if len(values) > 1:
            problems.append(f"{name} has several values, such as {values[0]} and {values[1]}")
        elif name == "model_version" and values not in ([], [publication.model_version]):
            problems.append(f"model_version is {values[0]}, not {publication.model_version}")
    return problems
