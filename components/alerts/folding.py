"""Brings what was kept in the state directory into the database."""

import json
from dataclasses import asdict, replace
from typing import Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.alerts.spool import Kept, KeptDelivery
from components.postgres.queries import queries

_QUERIES: Final = queries(__package__)


def fold(cursor: Cursor, kept: Kept) -> None:
    """Writes alerts and deliveries into their tables; doing it again changes nothing.

    What is open in the table already, because another machine saw it too, stays that one alert;
    what sinks were told of it here counts as told.

    Args:
        cursor: Of a transaction, after which the spool is cleared.
        kept: What was read from the spool.
    """
    queued = {one.alert_id: one.created_at for one in kept.deliveries}
    for alert in sorted(kept.alerts, key=lambda one: (one.kind, one.key, one.first_seen)):
        values = asdict(alert) | {
            "evidence": json.dumps(alert.evidence, ensure_ascii=False),
            "queued_at": queued.get(alert.alert_id),
        }
        cursor.execute(_QUERIES["fold_alert"], values)
        cursor.execute(_QUERIES["standing"], values)
        found = cursor.fetchone()
        if found is None:
            continue
        for delivery in kept.deliveries:
            if delivery.alert_id == alert.alert_id:
                _fold_delivery(cursor, replace(delivery, alert_id=found[0]))
    for one in kept.settled:
        cursor.execute(_QUERIES["settled_before"], asdict(one))


def _fold_delivery(cursor: Cursor, delivery: KeptDelivery) -> None:
    cursor.execute(_QUERIES["fold_delivery"], asdict(delivery))
