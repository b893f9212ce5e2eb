"""Compares what is staged with what was published last: the circuit breaker."""

from collections.abc import Iterator
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.tables import OutputTable
from components.publishing.publication import Publication, PublishPolicy
from components.publishing.publish_guards import LastPublication
from components.publishing.staging import Summary
from serving_model.served.risk_bands import RiskBands

_QUERIES: Final = queries(__package__)


def broken_limits(
    cursor: Cursor,
    target: OutputTable,
    staging: sql.Identifier,
    staged: Summary,
    last: LastPublication | None,
    policy: PublishPolicy,
    former_bands: RiskBands | None = None,
) -> list[str]:
    """Returns a sentence for each limit of the policy that the staged rows break.

    Number, mean and categories are compared with the last publication's; which accounts
    moved, with the table as it is now. Categories by another rule than the last
    publication's cannot be compared.
    """
    if last is None or (staged.count == 0 and policy.allow_empty):
        return []
    return [
        *_count(staged, last, policy),
        *_mean(staged, last, policy),
        *(_categories(staged, last, policy) if former_bands is None else ()),
        *_moved(cursor, target, staging, policy),
    ]


def changed_bands(
    target: OutputTable, publication: Publication, last: LastPublication | None
) -> RiskBands | None:
    """Returns the rule of the last publication's categories, where it was another one.

    The base rate is no part of the rule: with every model it is a little different.
    """
    if target.category is None or last is None or last.bands.rule == publication.bands.rule:
        return None
    return last.bands.against(None)


def _count(staged: Summary, last: LastPublication, policy: PublishPolicy) -> Iterator[str]:
    change = abs(staged.count - last.rows_written) / last.rows_written if last.rows_written else 0
    if change > policy.max_count_change:
        yield (
            f"{staged.count} rows after {last.rows_written}, a change of {change:.1%} "
            f"(max_count_change is {policy.max_count_change:.1%})"
        )


def _mean(staged: Summary, last: LastPublication, policy: PublishPolicy) -> Iterator[str]:
    if staged.mean_probability is None or last.mean_probability is None:
        return
    shift = abs(staged.mean_probability - last.mean_probability)
    if shift > policy.max_mean_shift:
        yield (
            f"mean probability {staged.mean_probability:.4f} after {last.mean_probability:.4f}, "
            f"a shift of {shift:.4f} (max_mean_shift is {policy.max_mean_shift:.4f})"
        )


def _categories(staged: Summary, last: LastPublication, policy: PublishPolicy) -> Iterator[str]:
    if not staged.shares or not last.category_shares:
        return
    for name in sorted(staged.shares.keys() | last.category_shares.keys()):
        now, before = staged.shares.get(name, 0.0), last.category_shares.get(name, 0.0)
        if abs(now - before) > policy.max_category_shift:
            yield (
                f"{now:.1%} {name} after {before:.1%}, a shift of {abs(now - before):.1%} "
                f"(max_category_shift is {policy.max_category_shift:.1%})"
            )


def _moved(
    cursor: Cursor, target: OutputTable, staging: sql.Identifier, policy: PublishPolicy
) -> Iterator[str]:
    if policy.max_moved_share >= 1:
        return
    query = sql.SQL(_QUERIES["moved_shares"]).format(
        value=sql.Identifier(target.value),
        staging=staging,
        table=target.table,
        same=target.same_key("staged", "published"),
    )
    cursor.execute(query, {"threshold": policy.moved_threshold})
    common, moved = cursor.fetchone() or (0, 0)
    if common and moved / common > policy.max_moved_share:
        yield (
            f"{moved} of {common} accounts move by more than {policy.moved_threshold:g}, "
            f"{moved / common:.1%} (max_moved_share is {policy.max_moved_share:.1%})"
        )
