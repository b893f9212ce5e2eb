"""Incremental publications: scores of some accounts, between two runs.

All that is scored between two runs, on one UTC day with one model, is one line of the log, which
grows. It stands upon the newest full publication, removes nothing, and is undone as a whole. The
circuit breaker compares it with that publication, whatever number of steps it grew in.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import NothingToPublish, PublicationRefused
from components.postgres.queries import queries
from components.postgres.tables import (
    ACCOUNT_RISK_DETAILS,
    ACCOUNT_RISK_SCORES,
    StagedTable,
)
from components.publishing.checks import refuse_broken_rows
from components.publishing.details import (
    DERIVED_COLUMNS,
    refuse_broken_details,
)
from components.publishing.holdout import NOBODY, Holdout
from components.publishing.increment_line import (
    Growth,
    broken_day_limits,
    run_id_of,
)
from components.publishing.increment_write import growth_of, write_increment
from components.publishing.lock import try_lock_table
from components.publishing.publication import Publication, PublishPolicy
from components.publishing.publication_log import (
    LogEntry,
    PublicationLog,
    read_log,
)
from components.publishing.refusals import KeptRefusal, keep_refused
from components.publishing.split import Split
from components.publishing.staging import Replacement, count_rows, stage
from serving_model.served.risk_bands import CONTRACT_BANDS, RiskBands

_QUERIES: Final = queries(__package__)
_TABLE: Final = ACCOUNT_RISK_SCORES
_DETAILS: Final = StagedTable(
    name="account_risk_details",
    columns=(*ACCOUNT_RISK_DETAILS.columns, *DERIVED_COLUMNS),
    key=ACCOUNT_RISK_DETAILS.key,
)


class PublishedMeanwhile(Exception):
    """Another publication is at work, or there is a newer one: score again, and try again."""


@dataclass(frozen=True)
class Increment:
    """Scores of some accounts at one moment.

    Attributes:
        as_of: The moment, with a time zone.
        base: Number of the full publication that they were made to stand upon.
        model_version: Of the model that made them.
        label_source: What it was taught as churn.
        rows: Tables with the columns of account_risk_scores.
        details: Tables with KEPT_COLUMNS, holdout as text; of the same accounts.
        horizon_days: The key of churn_by_horizon that holds churn_probability itself.
        horizons: All of its keys, rising.
        horizons_judged: Those that the model gate judged; None if that is not known.
        bands: The rule of the categories.
        cuts: Where medium, high and critical begin, where the rule alone does not say so: by
            capacity, in the base.
        holdout: Which accounts are marked to be left alone.
        split: By which two models made the rows; None where one did. model_version is its first.
    """

    as_of: datetime
    base: int
    model_version: str
    label_source: str
    rows: Sequence[pa.Table]
    details: Sequence[pa.Table]
    horizon_days: int
    horizons: tuple[int, ...]
    horizons_judged: tuple[int, ...] | None = None
    bands: RiskBands = CONTRACT_BANDS
    cuts: tuple[float, ...] | None = None
    holdout: Holdout = NOBODY
    split: Split | None = None

    def line(self) -> dict[str, Any]:
        """Returns what its line of the log says whatever the rows are."""
        judged = self.horizons_judged
        return {
            "model_version": self.model_version,
            "label_source": self.label_source,
            "risk_bands": json.dumps(
                {**self.bands.applied(), **({"cuts": list(self.cuts)} if self.cuts else {})}
            ),
            "horizon_days": self.horizon_days,
            "horizons": list(self.horizons),
            "horizons_judged": None if judged is None else list(judged),
            "holdout": self.holdout.recorded,
        }


@dataclass(frozen=True)
class Incremented:
    """What came of an increment.

    Attributes:
        written: Scores inserted or replaced.
        newer: Scores left out, since the table holds newer ones of these accounts.
        publication_id: Of the incremental publication; None where nothing was written.
    """

    written: int
    newer: int
    publication_id: int | None


def find_base(log: PublicationLog) -> LogEntry:
    """Returns the full publication that increments stand upon.

    Raises:
        NothingToPublish: There is none.
    """
    base = log.newest_full
    if base is None:
        raise NothingToPublish(
            "account_risk_scores holds no publication that scores between runs could stand upon. "
            "Let `tens-insight run score` publish all accounts first."
        )
    return base


def publish_increment(
    cursor: Cursor, increment: Increment, policy: PublishPolicy
) -> Incremented | KeptRefusal:
    """Publishes scores of some accounts inside the caller's transaction.

    Args:
        cursor: Of the transaction, which the caller commits, together with what it read up to.
        increment: What is published; without rows nothing is done.
        policy: Its limits are those of a whole day, counted from the newest full publication.

    Returns:
        What was written; or, where the day moved too far, the refusal, which is to be committed
        without anything else.

    Raises:
        PublishedMeanwhile: Another publication is at work, or the base is not the newest one.
        PublicationRefused: The rows are broken, or the owner's triggers change what is written.
        NothingToPublish: There is nothing to stand upon.
        ContractBroken: A table, column or privilege is missing.
    """
    if not try_lock_table(cursor, _TABLE):
        raise PublishedMeanwhile
    log = read_log(cursor, _TABLE)
    base = find_base(log)
    if base.publication_id != increment.base:
        raise PublishedMeanwhile
    if not sum(rows.num_rows for rows in increment.rows):
        return Incremented(0, 0, None)
    scores = stage(cursor, _TABLE, increment.rows)
    newer = _leave_out_newer(cursor, scores)
    count = count_rows(cursor, scores)
    if count == 0:
        return Incremented(0, newer, None)
    replacement = _replacement(cursor, increment, policy, scores, base, count)
    refuse_broken_rows(replacement)
    details = stage(cursor, _DETAILS, increment.details)
    _require_details(cursor, details, scores, increment.horizon_days)
    growth = _growth(cursor, scores, log, base, policy)
    limits = broken_day_limits(base, log.increments, growth, policy.limits, increment.model_version)
    if limits and not policy.limits.accept_shift:
        return keep_refused(replacement, limits)
    written = write_increment(
        cursor,
        scores,
        details,
        log,
        as_of=increment.as_of,
        growth=growth,
        split=increment.split,
        facts={
            **increment.line(),
            "accepted_shift": policy.limits.accept_shift or None,
            "broken_limits": limits,
        },
    )
    return Incremented(count, newer, written)


def _replacement(
    cursor: Cursor,
    increment: Increment,
    policy: PublishPolicy,
    scores: sql.Identifier,
    base: LogEntry,
    count: int,
) -> Replacement:
    publication = Publication(
        as_of=increment.as_of,
        model_version=increment.model_version,
        label_source=increment.label_source,
        run_id=run_id_of(increment.as_of, base),
        expected_rows=count,
        bands=increment.bands,
        cuts=increment.cuts,
        split=increment.split,
    )
    attempt = str(uuid.uuid4())
    return Replacement(cursor, _TABLE, scores, publication, policy, attempt, base)


def _leave_out_newer(cursor: Cursor, scores: sql.Identifier) -> int:
    """Takes out the rows of accounts of which the table holds newer scores; returns how many."""
    query = sql.SQL(_QUERIES["leave_out_newer"]).format(
        staging=scores, table=_TABLE.identifier, same=_TABLE.same_key("published", "staged")
    )
    cursor.execute(query)
    return int(cursor.rowcount)


def _require_details(
    cursor: Cursor, details: sql.Identifier, scores: sql.Identifier, horizon_days: int
) -> None:
    """Takes out details of what was left out, and refuses broken ones."""
    cursor.execute(
        sql.SQL(
            "DELETE FROM {} AS detail WHERE NOT EXISTS (SELECT FROM {} AS score WHERE {})"
        ).format(details, scores, _TABLE.same_key("score", "detail"))
    )
    refuse_broken_details(cursor, horizon_days, details, scores)


def _growth(
    cursor: Cursor,
    scores: sql.Identifier,
    log: PublicationLog,
    base: LogEntry,
    policy: PublishPolicy,
) -> Growth:
    layers = log.layers(base)
    if layers is None:
        raise PublicationRefused(
            f"The rows of publication {base.publication_id}, which scores between runs are "
            "compared with, were dropped from the history. Nothing was published. Let "
            "`tens-insight run score` publish again."
        )
    return growth_of(
        cursor,
        scores,
        layers,
        [one.publication_id for one in log.increments],
        getattr(policy.limits, "moved_threshold", 1.0),
    )
