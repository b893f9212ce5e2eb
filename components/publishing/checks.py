"""Reasons not to publish: broken rows, an older run, or rows that differ too much (the breaker)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import PublicationRefused
from components.postgres.output_problems import key_columns
from components.postgres.output_values import unfitting_keys
from components.postgres.queries import queries
from components.postgres.rows import one_record, records
from components.postgres.tables import OutputTable
from components.publishing.config import PublishingConfig, ScorePublishingConfig
from components.publishing.publication import Publication
from components.publishing.publication_log import LogEntry
from components.publishing.staging import (
    BrokenRule,
    Replacement,
    Summary,
    count_rows,
    summarize,
)
from components.publishing.written import run_on_table
from transforms.cold_start_rule import is_rule

_QUERIES: Final = queries(__package__)

_KEPT = "Nothing was published; the table is as it was."


@dataclass(frozen=True)
class _Moves:
    """Keys that are published and staged, and those whose value moves far."""

    common: int
    moved: int


def refuse_older(last: LogEntry | None, publication: Publication, table: OutputTable) -> None:
    """Never lets an older as_of replace a newer one.

    Raises:
        PublicationRefused: as_of is before the last publication's.
    """
    if last is not None and publication.as_of < last.as_of:
        now = datetime.now(timezone.utc)
        ahead = (
            " That moment lies in the future: if it was a mistake, `tens-insight publications undo "
            f"--table {table.short}` takes it back."
            if last.as_of > now
            else ""
        )
        raise PublicationRefused(
            f"{table.name} holds the state of {last.as_of:%Y-%m-%d %H:%M:%S %Z} (run "
            f"{last.run_id}), newer than this run's {publication.as_of:%Y-%m-%d %H:%M:%S %Z}: "
            f"an older run never replaces a newer one. {_KEPT}{ahead}"
        )


def refuse_broken_rows(replacement: Replacement) -> None:
    """Checks every staged row.

    Raises:
        PublicationRefused: Rows are missing or too many, a key comes twice or does not fit, a
            rule of the table is broken, or rows are of several runs or of another model.
    """
    _refuse_wrong_count(replacement)
    cursor, table = replacement.cursor, replacement.table
    bands, known = replacement.publication.bands, replacement.publication.cuts
    cuts = list(known or bands.cuts or ()) or None
    places = list(bands.places) if bands.places and not known else None
    query = broken_rules_query(table, replacement.staging)
    cursor.execute(query, {"cuts": cuts, "places": places})
    problems = [str(broken) for broken in records(cursor, BrokenRule)]
    problems += unfitting_keys(cursor, table, replacement.staging, of_feedback=False)
    problems += _duplicates(cursor, table, replacement.staging)
    problems += _mixtures(replacement)
    if problems:
        raise PublicationRefused(
            f"The rows for {table.name} are broken: {'; '.join(problems)}. {_KEPT}"
        )


def broken_rules_query(table: OutputTable, staging: sql.Composable) -> sql.Composed:
    """Returns the query for the rules that staged rows break, a BrokenRule each."""
    computed = [
        sql.SQL(", " + expression + " AS {}").format(sql.Identifier(name))
        for name, expression in table.computed.items()
    ]
    rules = [
        sql.SQL("WHEN (" + rule.condition + ") IS NOT TRUE THEN {}").format(
            sql.Literal(rule.problem)
        )
        for rule in table.rules
    ]
    required = [column.name for column in table.columns if not column.nullable]
    return sql.SQL(_QUERIES["broken_rules"]).format(
        key=table.key_list,
        columns=table.column_list,
        required=sql.SQL(", ").join(map(sql.Identifier, required)),
        computed=sql.SQL("").join(computed),
        rules=sql.SQL(" ").join(rules),
        staging=staging,
    )


def broken_limits(replacement: Replacement) -> list[str]:
    """Returns a sentence for each limit of the policy that the staged rows break.

    Number, mean and categories are compared with the last publication's; which accounts
    moved, with the table as it is now. Categories by another rule than the last
    publication's cannot be compared; nor anything but the number of rows where a model takes the
    place of the cold-start rule, whose probabilities rest on a rate that somebody assumed.
    """
    staged, last, policy = replacement.summary, replacement.last, replacement.policy
    if last is None or (staged.count == 0 and policy.allow_empty):
        return []
    limits = policy.limits
    broken = list(_count(staged, last, limits))
    if _other_split(replacement):
        staged, last = _of_same_models(replacement, staged, last)
    if isinstance(limits, ScorePublishingConfig) and not _replaces_the_rule(replacement):
        broken += _mean(staged, last, limits)
        broken += _categories(staged, last, limits) if replacement.former_bands is None else ()
        broken += _moved(replacement, limits)
    return broken


def _replaces_the_rule(replacement: Replacement) -> bool:
    """Tells whether the last publication was made by the cold-start rule, and this one is not."""
    last, now = replacement.last, replacement.publication.model_version
    return last is not None and is_rule(last.model_version) and not is_rule(now)


def _refuse_wrong_count(replacement: Replacement) -> None:
    name, expected = replacement.table.name, replacement.publication.expected_rows
    count = count_rows(replacement.cursor, replacement.staging)
    if count == 0 and not replacement.policy.allow_empty:
        raise PublicationRefused(f"There are no rows to publish to {name}. {_KEPT}")
    if count != expected:
        raise PublicationRefused(f"{count} rows came for {name}, expected {expected}. {_KEPT}")


def _duplicates(cursor: Cursor, table: OutputTable, staging: sql.Identifier) -> list[str]:
    """Finds keys that come twice, as the table itself compares them."""
    columns = key_columns(cursor, table)
    query = sql.SQL(_QUERIES["duplicate_keys"]).format(
        staging=staging,
        name=table.key_text("staged"),
        key=sql.SQL(", ").join(one.of(sql.Identifier("staged", one.name)) for one in columns)
        if columns
        else table.key_list,
    )
    run_on_table(cursor, query, table.qualified)  # a domain of its key may refuse an id
    found = cursor.fetchone()
    if found is None:
        return []
    count, names = found
    said = f"{', '.join(table.key)} {names[0]!r} comes {count} times"
    if len(names) > 1:
        types = " and ".join(f"{one.name} is {one.type}" for one in columns if one.folds)
        others = ", ".join(map(repr, names[1:4]))
        said += f", also spelt {others}: one key in {table.qualified}, where {types}"
    return [said]


def _mixtures(replacement: Replacement) -> list[str]:
    """Finds constant columns with several values, and a model that is not the announced one."""
    problems = []
    announced, models = replacement.publication.model_version, replacement.publication.models
    for name in replacement.table.constant:
        query = sql.SQL("SELECT DISTINCT {} FROM {} LIMIT 3")
        replacement.cursor.execute(query.format(sql.Identifier(name), replacement.staging))
        values = [value for (value,) in replacement.cursor.fetchall()]
        if name == "model_version" and replacement.publication.split is not None:
            others = [one for one in values if one not in models]
            problems += [f"model_version is {others[0]}, not of the split"] if others else []
        elif len(values) > 1:
            problems.append(f"{name} has several values, such as {values[0]} and {values[1]}")
        elif name == "model_version" and values not in ([], [announced]):
            problems.append(f"model_version is {values[0]}, not {announced}")
    return problems


def _count(staged: Summary, last: LogEntry, limits: PublishingConfig) -> Iterator[str]:
    change = abs(staged.count - last.rows_written) / last.rows_written if last.rows_written else 0
    if change > limits.max_count_change:
        yield (
            f"{staged.count} rows after {last.rows_written}, a change of {change:.1%} "
            f"(max_count_change is {limits.max_count_change:.1%})"
        )


def _mean(staged: Summary, last: LogEntry, limits: ScorePublishingConfig) -> Iterator[str]:
    if staged.mean_probability is None or last.mean_probability is None:
        return
    shift = abs(staged.mean_probability - last.mean_probability)
    if shift > limits.max_mean_shift:
        yield (
            f"mean probability {staged.mean_probability:.4f} after {last.mean_probability:.4f}, "
            f"a shift of {shift:.4f} (max_mean_shift is {limits.max_mean_shift:.4f})"
        )


def _categories(staged: Summary, last: LogEntry, limits: ScorePublishingConfig) -> Iterator[str]:
    if not staged.shares or not last.category_shares:
        return
    for name in sorted(staged.shares.keys() | last.category_shares.keys()):
        now, before = staged.shares.get(name, 0.0), last.category_shares.get(name, 0.0)
        if abs(now - before) > limits.max_category_shift:
            yield (
                f"{now:.1%} {name} after {before:.1%}, a shift of {abs(now - before):.1%} "
                f"(max_category_shift is {limits.max_category_shift:.1%})"
            )


def _of_same_models(
    replacement: Replacement, staged: Summary, last: LogEntry
) -> tuple[Summary, LogEntry]:
    """Sums up the accounts that keep their model where a split begins or ends.

    The others get another model, which says nothing of them. Where all do, all are compared.
    """
    cursor, table = replacement.cursor, replacement.table
    sides = [
        sql.SQL(_QUERIES["rows_of_same_model"]).format(
            side=sql.Identifier(side),
            staging=replacement.staging,
            table=table.rows,
            same=table.same_key("staged", "published"),
        )
        for side in ("staged", "published")
    ]
    now, before = (summarize(cursor, table, side) for side in sides)
    if now.count == 0:
        return staged, last
    mean, shares = before.mean_probability, before.shares
    return now, replace(last, mean_probability=mean, category_shares=shares)


def _other_split(replacement: Replacement) -> bool:
    """Tells whether the accounts are divided otherwise than by the last publication."""
    split, last = replacement.publication.split, replacement.last
    former = (last.split or {}).get("salt") if last is not None else None
    return (split.salt if split else None) != former


def _moved(replacement: Replacement, limits: ScorePublishingConfig) -> Iterator[str]:
    table = replacement.table
    if limits.max_moved_share >= 1:
        return
    query = sql.SQL(_QUERIES["moved_shares"]).format(
        value=sql.Identifier(table.value),
        staging=replacement.staging,
        table=table.identifier,
        same=table.same_key("staged", "published"),
    )
    # A split that begins or ends gives some accounts another model, which says nothing of them.
    begins = _other_split(replacement)
    values = {"threshold": limits.moved_threshold, "any_model": not begins}
    replacement.cursor.execute(query, values)
    moves = one_record(replacement.cursor, _Moves)
    if moves.common and moves.moved / moves.common > limits.max_moved_share:
        yield (
            f"{moves.moved} of {moves.common} {table.unit} move by more than "
            f"{limits.moved_threshold:g}, {moves.moved / moves.common:.1%} "
            f"(max_moved_share is {limits.max_moved_share:.1%})"
        )
