"""Writes what models in shadow say of a publication, and drops what is too old, once and again.

The scores are published already, and a failure here leaves them as they are.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.contributions.shard_rows import array_texts
from components.errors import PublicationRefused
from components.postgres.connection import begin_writing, connect
from components.postgres.failures import explained
from components.postgres.queries import queries
from components.postgres.retry import retried
from components.postgres.rows import records, value
from components.postgres.tables import ACCOUNT_RISK_SCORES, SHADOW_SCORES
from components.publishing.lock import lock_table, vacuum
from components.publishing.staging import stage
from components.publishing.written import run_on_table
from components.shadow.retention import ShadowLine, expired_shadows
from transforms.arrays import Floats

_QUERIES: Final = queries(__package__)
SCORES: Final = "tens_insight.shadow_scores"
MODELS: Final = "tens_insight.shadow_models"

OTHER_HALF: Final = "other half"
"""Role of both models of a split: for accounts that the other one was published for."""


@dataclass(frozen=True)
class ShadowScores:
    """What one model says of the accounts of a publication.

    Attributes:
        model_version: Of the model.
        role: Why it scores: one of SHADOW_ROLES, or OTHER_HALF.
        horizons: Days of the columns of the probabilities, rising.
        horizon_days: Of its churn_probability; one of the horizons.
        accounts: Ids, [n].
        probabilities: [n, horizons].
    """

    model_version: str
    role: str
    horizons: tuple[int, ...]
    horizon_days: int
    accounts: Sequence[str]
    probabilities: Floats


@dataclass(frozen=True)
class ShadowsRecorded:
    """What was done: rows written, and publications whose shadow scores were dropped."""

    rows: int
    dropped: tuple[int, ...]


def record_shadows(
    publication_id: int,
    shadows: Sequence[ShadowScores],
    *,
    history_days: int,
    patience_s: float,
) -> ShadowsRecorded | None:
    """Records what models in shadow say of a publication; done again, it replaces what was there.

    Args:
        publication_id: Of account_risk_scores.
        shadows: The models and their probabilities; may be empty.
        history_days: Days that the history reaches back.
        patience_s: Seconds for which a server that does not answer is waited for.

    Returns:
        None where the publication was undone meanwhile.

    Raises:
        PublicationRefused: There is no such publication, or another one is running.
        DatabaseUnreachable: No connection, or lost for good.
        ContractBroken: A table or privilege is missing.
    """
    return retried(lambda: _record(publication_id, shadows, history_days), patience_s=patience_s)


def _record(
    publication_id: int, shadows: Sequence[ShadowScores], history_days: int
) -> ShadowsRecorded | None:
    with closing(connect("tens-insight shadow")) as connection:
        begin_writing(connection)
        with explained(connection):
            with connection, connection.cursor() as cursor:
                # Publishing, undoing and forgetting wait: rows and log belong together.
                lock_table(cursor, ACCOUNT_RISK_SCORES)
                if not _counts(cursor, publication_id):
                    return None
                rows = write_shadows(cursor, publication_id, shadows)
                dropped = drop_expired(cursor, history_days)
            if rows or dropped:
                vacuum(connection, SHADOW_SCORES.name, "tens_insight")
    return ShadowsRecorded(rows, tuple(dropped))


def _counts(cursor: Cursor, publication_id: int) -> bool:
    cursor.execute(_QUERIES["publication_counts"], {"publication_id": publication_id})
    found = cursor.fetchone()
    if found is None:
        raise PublicationRefused(
            f"There is no publication {publication_id} of account_risk_scores in "
            "tens_insight.publications: was the database restored meanwhile? What the models in "
            "shadow say of it was not recorded."
        )
    return bool(found[0])


def write_shadows(cursor: Cursor, publication_id: int, shadows: Sequence[ShadowScores]) -> int:
    """Replaces the shadow scores of a publication, in the caller's transaction, under the lock.

    Returns:
        How many rows were written: of the accounts that the publication holds.
    """
    named = {"publication_id": publication_id}
    run_on_table(cursor, _QUERIES["drop_shadows"], SCORES, named)
    if not shadows:
        return 0
    staging = stage(cursor, SHADOW_SCORES, list(_tables(shadows)))
    statement = sql.SQL(_QUERIES["append_shadow_scores"]).format(staging=staging)
    rows = run_on_table(cursor, statement, SCORES, named)
    for place, one in enumerate(shadows, 1):
        line = {
            **named,
            "place": place,
            "model_version": one.model_version,
            "role": one.role,
            "horizons": list(one.horizons),
            "horizon_days": one.horizon_days,
        }
        run_on_table(cursor, _QUERIES["append_shadow_models"], MODELS, line)
    return rows


def drop_expired(cursor: Cursor, history_days: int) -> list[int]:
    """Drops the shadow scores of publications that are too old; returns which."""
    cursor.execute(_QUERIES["newest_as_of"])
    now = value(cursor)
    cursor.execute(_QUERIES["kept_shadows"])
    lines = records(cursor, ShadowLine)
    if not lines or now is None:
        return []
    expired = expired_shadows(lines, now, history_days)
    if expired:
        run_on_table(cursor, _QUERIES["drop_expired"], SCORES, {"expired": expired})
    return expired


def _tables(shadows: Sequence[ShadowScores]) -> Iterator[pa.Table]:
    for place, one in enumerate(shadows, 1):
        if len(one.accounts):
            yield pa.table(
                {
                    "place": pa.array(np.full(len(one.accounts), place), pa.int64()),
                    "account_id": pa.array(one.accounts, pa.string()),
                    "probabilities": array_texts(one.probabilities),
                }
            )
