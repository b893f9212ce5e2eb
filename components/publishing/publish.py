"""Replaces the contents of an output table: all of it, or nothing.

Rows are staged in a temporary table by COPY, checked there, written by one upsert and
appended to the history. All of that is one transaction under an advisory lock which the
writing connection itself holds: killed at any moment, the table is as it was or as it
will be, and so is the history.
"""

import logging
import uuid
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import timezone
from typing import Final

from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.connection import connect
from components.postgres.failures import explained
from components.postgres.queries import queries
from components.postgres.retry import retried
from components.postgres.tables import OutputTable
from components.publishing.circuit_breaker import broken_limits, changed_bands
from components.publishing.copy_rows import Row
from components.publishing.details import Details, append_details, stage_details
from components.publishing.publication import (
    Publication,
    Published,
    PublishPolicy,
    recorded_bands,
)
from components.publishing.publish_guards import (
    last_publication,
    refuse_broken_rows,
    refuse_older,
)
from components.publishing.publish_lock import lock_table
from components.publishing.refusals import KeptRefusal, find_refusal, keep_refused, refused
from components.publishing.retention import drop_old_history
from components.publishing.staging import stage, summary
from components.publishing.vacuum import vacuum
from components.publishing.write_publication import write

_QUERIES: Final = queries(__package__)

_log = logging.getLogger(__name__)


def publish(
    target: OutputTable,
    rows: Callable[[], Iterable[Row]],
    *,
    publication: Publication,
    policy: PublishPolicy,
    details: Details | None = None,
) -> Published:
    """Publishes rows to a table; publishing the same again changes nothing.

    Args:
        target: The table.
        rows: Returns the rows from the start, each a value per target column. It is
            called again where a lost server makes a new attempt necessary.
        publication: What the rows are.
        policy: How far they may differ from the last publication.
        details: What stands behind account scores, written in the same transaction.

    Raises:
        PublicationRefused: The rows are broken, older than what is there or shifted too
            far (then they are kept for inspection), or another publication is running.
        DatabaseUnreachable: No connection, or it was lost several times.
        ContractBroken: A table, column or privilege is missing.
        Exception: What `rows` raises, as it is.
    """
    attempt = str(uuid.uuid4())
    return retried(lambda: publish_once(target, rows, publication, policy, attempt, details))


def publish_once(
    target: OutputTable,
    rows: Callable[[], Iterable[Row]],
    publication: Publication,
    policy: PublishPolicy,
    attempt: str,
    details: Details | None = None,
) -> Published:
    """Publishes as `publish` does, without trying again.

    Args:
        target: As for publish.
        rows: As for publish.
        publication: As for publish.
        policy: As for publish.
        attempt: A UUID. Where a publication of this name is in the log already (its
            commit succeeded, but the answer was lost), nothing is done again.
        details: As for publish.
    """
    with closing(connect("tens-insight publish")) as connection:
        connection.set_session(isolation_level=ISOLATION_LEVEL_READ_COMMITTED, readonly=False)
        with explained(connection):
            with connection, connection.cursor() as cursor:
                lock_table(cursor, target)
                outcome = _find(cursor, attempt)
                if outcome is None:
                    outcome = _replace(cursor, target, rows, publication, policy, attempt, details)
                last = last_publication(cursor, target)
            if isinstance(outcome, KeptRefusal):
                raise refused(outcome, target, last)
            vacuum(connection, target.name)
            drop_old_history(connection, target, policy.history_days)
            if target.details is not None and details is not None:
                # Without statistics the view of the details is slow from the first row on.
                vacuum(connection, target.details.history, "tens_insight")
    return outcome


def _find(cursor: Cursor, attempt: str) -> Published | KeptRefusal | None:
    cursor.execute(_QUERIES["find_attempt"], {"attempt": attempt})
    row = cursor.fetchone()
    if row is None:
        return find_refusal(cursor, attempt)
    written, removed, mean, shares, published_at, publication_id, former = row
    categories = {name: round(share * written) for name, share in shares.items()}
    moment = published_at.astimezone(timezone.utc)
    former_bands = recorded_bands(former) if former else None
    return Published(written, removed, categories, mean, moment, publication_id, former_bands)


def _replace(
    cursor: Cursor,
    target: OutputTable,
    rows: Callable[[], Iterable[Row]],
    publication: Publication,
    policy: PublishPolicy,
    attempt: str,
    details: Details | None,
) -> Published | KeptRefusal:
    last = last_publication(cursor, target)
    refuse_older(last, publication, target)
    staging = stage(cursor, target, rows())
    refuse_broken_rows(cursor, target, staging, publication, policy)
    staged = summary(cursor, target, staging, publication.expected_rows)
    former = changed_bands(target, publication, last)
    if former is not None:
        _log.warning(
            "The risk bands of %s changed from %s to %s: the circuit breaker does not compare the "
            "categories of this publication with the last one's.",
            target.name, former.rule, publication.bands.rule,
        )  # fmt: skip
    limits = broken_limits(cursor, target, staging, staged, last, policy, former)
    if limits and not policy.accept_shift:
        return keep_refused(cursor, target, staging, staged, publication, limits, attempt)
    if limits:
        _log.warning(
            "%s is published in spite of the circuit breaker, since %r was accepted: %s",
            target.name, policy.accept_shift, "; ".join(limits),
        )  # fmt: skip
    staged_details = stage_details(cursor, details, staging) if details else None
    published = write(cursor, target, staging, staged, publication, policy, attempt, limits, former)
    if staged_details is not None:
        append_details(cursor, staged_details, staging, publication, published.publication_id)
    return published
