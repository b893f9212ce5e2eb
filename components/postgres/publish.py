"""Replaces the contents of an output table: all of it, or nothing.

Rows are staged in a temporary table by COPY, checked there, and written by one
upsert. All of that is one transaction under an advisory lock which the writing
connection itself holds: killed at any moment, the table is as it was or as it will be.
"""

import json
import uuid
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import timezone

import psycopg2
from psycopg2 import errorcodes as codes
from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import PublicationRefused
from components.postgres.connection import connect
from components.postgres.copy_rows import Row
from components.postgres.failures import explained
from components.postgres.publication import Publication, Published, PublishPolicy
from components.postgres.publish_guards import (
    last_publication,
    refuse_broken_rows,
    refuse_older,
    refuse_shift,
)
from components.postgres.retry import retried
from components.postgres.sql import load_sql
from components.postgres.staging import remove_departed, stage, summary, upsert
from components.postgres.targets import Target
from components.postgres.vacuum import vacuum

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('tens-insight publish ' || %s, 0))"


def publish(
    target: Target,
    rows: Callable[[], Iterable[Row]],
    *,
    publication: Publication,
    policy: PublishPolicy,
) -> Published:
    """Publishes rows to a table; publishing the same again changes nothing.

    Args:
        target: The table.
        rows: Returns the rows from the start, each a value per target column. It is
            called again where a lost server makes a new attempt necessary.
        publication: What the rows are.
        policy: How far they may differ from the last publication.

    Raises:
        PublicationRefused: The rows are broken, older than what is there or shifted too
            far, or another publication is running.
        DatabaseUnreachable: No connection, or it was lost several times.
        ContractBroken: A table, column or privilege is missing.
        Exception: What `rows` raises, as it is.
    """
    attempt = str(uuid.uuid4())
    return retried(lambda: publish_once(target, rows, publication, policy, attempt))


def publish_once(
    target: Target,
    rows: Callable[[], Iterable[Row]],
    publication: Publication,
    policy: PublishPolicy,
    attempt: str,
) -> Published:
    """Publishes as `publish` does, without trying again.

    Args:
        target: As for publish.
        rows: As for publish.
        publication: As for publish.
        policy: As for publish.
        attempt: A UUID. Where a publication of this name is in the log already (its
            commit succeeded, but the answer was lost), nothing is done again.
    """
    with closing(connect("tens-insight publish")) as connection:
        connection.set_session(isolation_level=ISOLATION_LEVEL_READ_COMMITTED, readonly=False)
        with explained(connection):
            with connection, connection.cursor() as cursor:
                _lock(cursor, target)
                published = _find(cursor, attempt)
                if published is None:
                    published = _replace(cursor, target, rows, publication, policy, attempt)
            vacuum(connection, target.table)
    return published


def _lock(cursor: Cursor, target: Target) -> None:
    try:
        cursor.execute(_LOCK, (target.table,))
    except psycopg2.Error as error:
        if error.pgcode != codes.LOCK_NOT_AVAILABLE:
            raise
        raise PublicationRefused(
            f"Another publication to {target.table} is running (see pg_stat_activity, "
            "application_name 'tens-insight publish'). Nothing was published; run again later."
        ) from error


def _find(cursor: Cursor, attempt: str) -> Published | None:
    cursor.execute(load_sql("find_attempt"), {"attempt": attempt})
    row = cursor.fetchone()
    if row is None:
        return None
    written, removed, mean, shares, published_at = row
    categories = {name: round(share * written) for name, share in shares.items()}
    return Published(written, removed, categories, mean, published_at.astimezone(timezone.utc))


def _replace(
    cursor: Cursor,
    target: Target,
    rows: Callable[[], Iterable[Row]],
    publication: Publication,
    policy: PublishPolicy,
    attempt: str,
) -> Published:
    last = last_publication(cursor, target)
    refuse_older(last, publication, target)
    staging = stage(cursor, target, rows())
    refuse_broken_rows(cursor, target, staging, publication, policy)
    mean, categories = summary(cursor, target, staging)
    refuse_shift(last, publication.expected_rows, mean, policy, target)
    written = upsert(cursor, target, staging)
    removed = remove_departed(cursor, target, staging) if policy.remove_departed else 0
    record = {
        "attempt": attempt,
        "table": target.table,
        "as_of": publication.as_of,
        "model_version": publication.model_version,
        "label_source": publication.label_source,
        "written": written,
        "removed": removed,
        "mean_probability": mean,
        "shares": json.dumps({name: count / written for name, count in categories.items()}),
        "feedback_rows": publication.feedback_rows,
        "run_id": publication.run_id,
    }
    cursor.execute(load_sql("record_publication"), record)
    (published_at,) = cursor.fetchone() or (publication.as_of,)
    return Published(written, removed, categories, mean, published_at.astimezone(timezone.utc))
