"""Replaces the contents of an output table: all of it, or nothing.

Rows are staged in a temporary table by COPY, checked there, written by one upsert and
appended to the history. All of that is one transaction under an advisory lock which the
writing connection itself holds: killed at any moment, the table is as it was or as it
will be, and so is the history. Scores of accounts that were published since, of a later moment,
stay: increment_kept.py.
"""

import json
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timezone
from typing import Any

from psycopg2 import sql

from components.postgres.connection import begin_writing, connect
from components.postgres.failures import explained
from components.postgres.output_problems import require_output
from components.postgres.retry import retried
from components.postgres.rows import value
from components.postgres.tables import ACCOUNT_RISK_DETAILS, OutputTable
from components.publishing.checks import broken_limits, refuse_broken_rows, refuse_older
from components.publishing.copy_rows import Row
from components.publishing.details import Details, prepare_details
from components.publishing.history import append_history, drop_old_history, record_existing
from components.publishing.increment_kept import put_newer_back, set_newer_aside
from components.publishing.lock import (
    analyze_publications,
    lock_table,
    user_and_host,
    vacuum,
    vacuum_aside,
)
from components.publishing.own_tables import (
    LOG,
    Counts,
    changes_so_far,
    require_changes,
    require_line,
)
from components.publishing.publication import Publication, Published, PublishPolicy
from components.publishing.publication_log import (
    PUBLISHED,
    find_published,
    last_publication,
    record_publication,
)
from components.publishing.refusals import KeptRefusal, find_refusal, keep_refused, refused
from components.publishing.staging import Replacement, remove_departed, stage, upsert
from components.publishing.written import Untouched, require_written, untouched_rows

_log = logging.getLogger(__name__)


def publish(
    table: OutputTable,
    rows: Callable[[], Iterable[Row]],
    *,
    publication: Publication,
    policy: PublishPolicy,
    details: Details | None = None,
) -> Published:
    """Publishes rows to a table; publishing the same again changes nothing.

    Args:
        table: The output table.
        rows: Returns the rows from the start, each a value per column of the table. It is
            called again where a lost server makes a new attempt necessary.
        publication: What the rows are.
        policy: How far they may differ from the last publication.
        details: Details of the rows, written in the same transaction.

    Raises:
        PublicationRefused: The rows are broken, older than what is there or shifted too
            far (then they are kept for inspection), or another publication is running.
        DatabaseUnreachable: No connection, or it was lost several times.
        ContractBroken: A table, column or privilege is missing.
        Exception: What `rows` raises, as it is.
    """
    attempt = str(uuid.uuid4())
    return retried(
        lambda: publish_once(table, rows, publication, policy, attempt, details),
        patience_s=policy.limits.database_patience_seconds,
    )


def publish_once(
    table: OutputTable,
    rows: Callable[[], Iterable[Row]],
    publication: Publication,
    policy: PublishPolicy,
    attempt: str,
    details: Details | None = None,
) -> Published:
    """Publishes as `publish` does, without trying again.

    Args:
        table: As for publish.
        rows: As for publish.
        publication: As for publish.
        policy: As for publish.
        attempt: A UUID. Where a publication of this name is in the log already (its
            commit succeeded, but the answer was lost), nothing is done again.
        details: As for publish.
    """
    with closing(connect("tens-insight publish")) as connection:
        begin_writing(connection)
        with explained(connection):
            with connection, connection.cursor() as cursor:
                lock_table(cursor, table)
                last = last_publication(cursor, table)
                outcome = find_published(cursor, attempt) or find_refusal(cursor, attempt)
                if outcome is None:
                    require_output(cursor, table)
                    refuse_older(last, publication, table)
                    newer = set_newer_aside(cursor, table, publication.as_of)
                    staging = stage(cursor, table, rows())
                    outcome = _replace(
                        Replacement(cursor, table, staging, publication, policy, attempt, last),
                        details,
                    )
                    if newer is not None and isinstance(outcome, Published):
                        put_newer_back(cursor, newer, policy)
            if isinstance(outcome, KeptRefusal):
                raise refused(outcome, table, last)
            vacuum(connection, table.name)
            drop_old_history(connection, table, policy.limits.history_days)
            analyze_publications(connection, table.history)
            if table.details is not None and details is not None:
                # Without statistics the view of the details is slow from the first row on.
                vacuum_aside(table.details.history, "tens_insight")
    return outcome


def _replace(replacement: Replacement, details: Details | None) -> Published | KeptRefusal:
    """Checks what is staged, and writes it or keeps it as refused."""
    refuse_broken_rows(replacement)
    cursor, staging, name = replacement.cursor, replacement.staging, replacement.table.name
    if replacement.former_bands is not None:
        _log.warning(
            "The risk bands of %s changed from %s to %s: the circuit breaker does not compare the "
            "categories of this publication with the last one's.",
            name, replacement.former_bands.rule, replacement.publication.bands.rule,
        )  # fmt: skip
    limits = broken_limits(replacement)
    if limits and not replacement.policy.limits.accept_shift:
        return keep_refused(replacement, limits)
    if limits:
        _log.warning(
            "%s is published in spite of the circuit breaker, since %r was accepted: %s",
            name, replacement.policy.limits.accept_shift, "; ".join(limits),
        )  # fmt: skip
    base_rate = replacement.publication.bands.base_rate
    ready = prepare_details(cursor, details, staging, base_rate) if details else None
    about_details = {
        "horizon_days": details.horizon_days if details else None,
        "horizons": ready.horizons if ready else [],
        "holdout": details.holdout.recorded if details else None,
        "horizons_judged": list(details.horizons_judged)
        if details and details.horizons_judged is not None
        else None,
    }
    before = changes_so_far(cursor)
    written = _write(replacement, limits, about_details)
    published, meant = written.published, {}
    publication_id = published.publication_id
    if ready is not None:
        ready.write(publication_id)
        meant[f"tens_insight.{ACCOUNT_RISK_DETAILS.history}"] = Counts(inserted=published.written)
    meant[LOG] = Counts(inserted=2 if written.existing else 1)
    history = f"tens_insight.{replacement.table.history}"
    meant[history] = Counts(inserted=published.written + written.existing)
    # At the end: triggers of the log and of the histories may have changed the table, too.
    require_written(cursor, replacement.table, staging, kept=written.kept)
    require_changes(cursor, before, meant)
    require_line(cursor, written.line, publication_id)
    return published


@dataclass(frozen=True)
class _Written:
    """What was written, before it is compared.

    Attributes:
        published: What was published.
        line: Its line of the log.
        existing: How many rows of others were recorded before.
        kept: The rows that had to stay; None where none may.
    """

    published: Published
    line: Mapping[str, Any]
    existing: int
    kept: Untouched | None


def _write(
    replacement: Replacement, limits: list[str], about_details: Mapping[str, Any]
) -> _Written:
    """Writes what is staged and checked: to the table, to the log and to the history.

    Args:
        replacement: Of which the rows were checked.
        limits: The limits that were overruled, a sentence each.
        about_details: What the log says of the details.

    Raises:
        PublicationRefused: A constraint or a trigger of a table refuses a row.
        ContractBroken: The table cannot be written to.
    """
    cursor, table, staging = replacement.cursor, replacement.table, replacement.staging
    publication, policy, summary = replacement.publication, replacement.policy, replacement.summary
    published_by = user_and_host(cursor)
    existing = record_existing(cursor, table, published_by)
    kept = None if policy.remove_departed else untouched_rows(cursor, table, staging)
    upsert(cursor, table, staging)
    removed = remove_departed(cursor, table, staging) if policy.remove_departed else 0
    # Triggers decide what the server counts as written; the rows are compared.
    written = summary.count
    line = {
        "attempt": replacement.attempt,
        "table": table.name,
        "kind": PUBLISHED,
        "as_of": publication.as_of,
        "model_version": publication.model_version,
        "label_source": publication.label_source,
        "written": written,
        "removed": removed,
        "mean_probability": summary.mean_probability,
        "shares": json.dumps(summary.shares),
        "feedback_rows": publication.feedback_rows,
        "run_id": publication.run_id,
        "removes_others": policy.remove_departed,
        "published_by": published_by,
        "accepted_shift": policy.limits.accept_shift or None,
        "broken_limits": limits,
        "risk_bands": replacement.bands_record(changed_from=True),
        "split": _recorded_split(replacement),
        "population": json.dumps(publication.population) if publication.population else None,
        "increment": None,
        **about_details,
    }
    recorded = record_publication(cursor, line)
    append_history(cursor, table, staging, recorded.publication_id)
    published = Published(
        written=written,
        removed=removed,
        categories=summary.categories,
        mean_probability=summary.mean_probability,
        published_at=recorded.published_at.astimezone(timezone.utc),
        publication_id=recorded.publication_id,
        former_bands=replacement.former_bands,
    )
    return _Written(published, line, existing, kept)


def _recorded_split(replacement: Replacement) -> str | None:
    """Returns what the log says of the split by which the staged rows were made, JSON."""
    split = replacement.publication.split
    if split is None:
        return None
    statement = sql.SQL("SELECT count(*) FROM {} WHERE model_version = {}")
    replacement.cursor.execute(statement.format(replacement.staging, sql.Literal(split.b)))
    return split.recorded(int(value(replacement.cursor)), replacement.summary.count)
