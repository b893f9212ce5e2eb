"""Writes staged rows: to the table, to the log and to the history."""

import json
from datetime import timezone
from typing import Any, Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.tables import OutputTable
from components.publishing.actor import acted_by
from components.publishing.history import append_history, record_existing
from components.publishing.publication import Publication, Published, PublishPolicy
from components.publishing.publication_log import PUBLISHED
from components.publishing.staging import Summary, remove_departed, upsert
from serving_model.served.risk_bands import RiskBands

_QUERIES: Final = queries(__package__)


def write(
    cursor: Cursor,
    target: OutputTable,
    staging: sql.Identifier,
    staged: Summary,
    publication: Publication,
    policy: PublishPolicy,
    attempt: str,
    limits: list[str],
    former_bands: RiskBands | None = None,
) -> Published:
    """Writes what is staged and checked, and keeps what was there without a publication.

    Args:
        cursor: Of a transaction that holds the table's lock.
        target: The table.
        staging: The staged rows.
        staged: What they amount to.
        publication: What they are.
        policy: Says whether other rows are removed, and which reason overruled a limit.
        attempt: UUID of the call of the publisher.
        limits: The limits that were overruled, a sentence each.
        former_bands: The rule of the last publication, where it was another one.

    Raises:
        PublicationRefused: A constraint of the table refuses a row.
    """
    actor = acted_by(cursor)
    record_existing(cursor, target, actor)
    written = upsert(cursor, target, staging)
    removed = remove_departed(cursor, target, staging) if policy.remove_departed else 0
    counts = {"written": written, "removed": removed, "published_by": actor}
    record = _record(target, staged, publication, policy) | counts
    record |= {"attempt": attempt, "broken_limits": limits}
    record["risk_bands"] = _bands(target, publication, former_bands)
    cursor.execute(_QUERIES["record_publication"], record)
    (publication_id, published_at) = cursor.fetchone() or (0, publication.as_of)
    append_history(cursor, target, staging, publication_id)
    moment = published_at.astimezone(timezone.utc)
    return Published(
        written,
        removed,
        staged.categories,
        staged.mean_probability,
        moment,
        publication_id,
        former_bands,
    )


def _bands(target: OutputTable, publication: Publication, former: RiskBands | None) -> str | None:
    if target.category is None:
        return None
    changed = {"changed_from": former.rule} if former else {}
    return json.dumps({**publication.bands.applied(), **changed})


def _record(
    target: OutputTable, staged: Summary, publication: Publication, policy: PublishPolicy
) -> dict[str, Any]:
    return {
        "table": target.name,
        "kind": PUBLISHED,
        "as_of": publication.as_of,
        "model_version": publication.model_version,
        "label_source": publication.label_source,
        "mean_probability": staged.mean_probability,
        "shares": json.dumps(staged.shares),
        "feedback_rows": publication.feedback_rows,
        "run_id": publication.run_id,
        "removes_others": policy.remove_departed,
        "accepted_shift": policy.accept_shift or None,
    }
