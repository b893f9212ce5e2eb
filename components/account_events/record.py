"""Records what happened to accounts and areas with a publication, once, and tells who listens.

An event is told when something begins; while it goes on nothing more is said. What is told of an
account and what is over follow from the events that stand: those of an undone publication do not,
and what it ended goes on. So an undo has nothing to change, and a run that is done again nothing
to add.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.account_events.config import AccountEventsConfig
from components.account_events.notification import EVENTS, notify
from components.errors import PublicationRefused
from components.postgres.connection import begin_writing, connect
from components.postgres.failures import explained
from components.postgres.queries import queries
from components.postgres.retry import retried
from components.postgres.rows import record, records, value
from components.postgres.tables import (
    ACCOUNT_RISK_SCORES,
    EVENT_LOG,
    PRODUCT_AREA_IMPACT,
)
from components.publishing.lock import lock_table
from components.publishing.publication_log import recorded_bands
from components.publishing.written import run_on_table

_QUERIES: Final = queries(__package__)
_WORK_MEM: Final = "64MB"
_NOT_RECORDED: Final = "The scores are published; their events were not recorded."


@dataclass(frozen=True)
class RecordedEvents:
    """What was recorded with a publication.

    Attributes:
        told: Ids of the events that were told, the most valuable first.
        left_out: How many were not, by the reason.
    """

    told: tuple[int, ...]
    left_out: Mapping[str, int]


@dataclass(frozen=True)
class _Publication:
    as_of: datetime
    risk_bands: Mapping[str, Any] | None
    undone: bool
    handled: bool
    has_parts: bool


@dataclass(frozen=True)
class _Former:
    publication_id: int
    risk_bands: Mapping[str, Any] | None


@dataclass(frozen=True)
class _Event:
    event_id: int
    publication_id: int
    left_out: str | None


def record_events(
    publication_id: int, config: AccountEventsConfig, *, patience_s: float
) -> RecordedEvents | None:
    """Records the events of a publication of account scores, and of areas published beside it.

    Args:
        publication_id: Of account_risk_scores.
        config: Which events are told, and how many a day.
        patience_s: Seconds for which a server that does not answer is waited for.

    Returns:
        None where there is nothing to record: it was done before, or the publication was undone.

    Raises:
        PublicationRefused: The log does not know the publication, or another one is running.
        DatabaseUnreachable: No connection, or lost for good.
        ContractBroken: A table or privilege is missing.
    """

    def work() -> RecordedEvents | None:
        with closing(connect("tens-insight monitor")) as connection:
            begin_writing(connection)
            with explained(connection), connection, connection.cursor() as cursor:
                # Publishing, undoing and forgetting wait: events and scores belong together.
                lock_table(cursor, ACCOUNT_RISK_SCORES)
                return write_events(cursor, publication_id, config)

    return retried(work, patience_s=patience_s)


def write_events(
    cursor: Cursor, publication_id: int, config: AccountEventsConfig
) -> RecordedEvents | None:
    """Does the work of record_events in the caller's transaction, under the lock."""
    cursor.execute(_QUERIES["publication"], {"publication_id": publication_id})
    found = record(cursor, _Publication)
    if found is None:
        raise PublicationRefused(
            f"There is no publication {publication_id} of account_risk_scores in "
            f"tens_insight.publications: was the database restored meanwhile? {_NOT_RECORDED}"
        )
    if found.undone:
        return None
    areas = _areas_to_handle(cursor, found.as_of)
    if found.handled and areas is None:
        return None
    scores = None if found.handled else publication_id
    events = _write(cursor, _values(cursor, scores, areas, found, config), config)
    for one in filter(None, (scores, areas)):
        _record_handled(cursor, one, found.as_of, events)
    _drop_old(cursor, found.as_of, config)
    told = tuple(one.event_id for one in events if one.left_out is None)
    notify(cursor, EVENTS, told)
    return RecordedEvents(told, Counter(one.left_out for one in events if one.left_out))


def _values(
    cursor: Cursor,
    scores: int | None,
    areas: int | None,
    found: _Publication,
    config: AccountEventsConfig,
) -> dict[str, Any]:
    former = _handled_before(cursor, ACCOUNT_RISK_SCORES.name, scores)
    former_areas = _handled_before(cursor, PRODUCT_AREA_IMPACT.name, areas)
    rules = [recorded_bands(one.risk_bands).rule for one in (found, former or found)]
    day = found.as_of.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    cursor.execute(_QUERIES["told_today"], {"day": day})
    return {
        "scores": scores,
        "former_scores": former.publication_id if former else None,
        "areas": areas,
        "former_areas": former_areas.publication_id if former_areas else None,
        "other_bands": rules[0] != rules[1],
        "as_of": found.as_of,
        "quiet_since": found.as_of - timedelta(days=config.event_quiet_days),
        "has_parts": found.has_parts,
        "jump": config.event_jump,
        "area_score": config.event_area_score,
        "weights": json.dumps(config.event_tier_weights),
        "room": max(0, config.events_per_day - int(value(cursor))),
    }


def _write(
    cursor: Cursor, values: Mapping[str, Any], config: AccountEventsConfig
) -> Sequence[_Event]:
    cursor.execute("SELECT set_config('work_mem', %s, true)", (_WORK_MEM,))
    cursor.execute(_QUERIES["collect_events"])
    run_on_table(cursor, _QUERIES["record_events"], EVENT_LOG.table, values)
    events = records(cursor, _Event)
    if values["scores"] is not None:
        run_on_table(cursor, _QUERIES["end_of_accounts"], EVENT_LOG.table, values)
    if values["areas"] is not None:
        run_on_table(cursor, _QUERIES["end_of_areas"], EVENT_LOG.table, values)
    return events


def _areas_to_handle(cursor: Cursor, as_of: datetime) -> int | None:
    cursor.execute(_QUERIES["areas_to_handle"], {"as_of": as_of})
    row = cursor.fetchone()
    return int(row[0]) if row else None


def _handled_before(cursor: Cursor, table: str, publication_id: int | None) -> _Former | None:
    values = {"table": table, "publication_id": publication_id}
    cursor.execute(_QUERIES["handled_before"], values)
    return record(cursor, _Former)


def _record_handled(
    cursor: Cursor, publication_id: int, as_of: datetime, events: Sequence[_Event]
) -> None:
    own = [one for one in events if one.publication_id == publication_id]
    told = sum(one.left_out is None for one in own)
    line = {
        "publication_id": publication_id,
        "as_of": as_of,
        "told": told,
        "left_out": len(own) - told,
    }
    run_on_table(cursor, _QUERIES["record_handled"], "tens_insight.event_publications", line)


def _drop_old(cursor: Cursor, as_of: datetime, config: AccountEventsConfig) -> None:
    before = {"before": as_of - timedelta(days=config.history_days)}
    run_on_table(cursor, _QUERIES["drop_old_events"], EVENT_LOG.table, before)
    run_on_table(cursor, _QUERIES["drop_old_handled"], "tens_insight.event_publications", before)
