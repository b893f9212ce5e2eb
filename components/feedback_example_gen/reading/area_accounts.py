"""Which accounts wrote what is counted of one product area and segment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.feedback_example_gen.reading.area_counts import AreaWindow
from components.postgres.queries import queries
from components.postgres.rows import records
from transforms.product_area_impact import RECENT_DAYS

_QUERIES: Final = queries(__package__)


@dataclass(frozen=True)
class AreaAccount:
    """An account that wrote about the area in the window.

    Attributes:
        account_id: As the database holds it.
        feedback: Its rows.
        negative: Of them, those of negative sentiment.
        critical: Those of critical priority.
        recent: Those of the last 7 days.
        newest: When it wrote last, UTC.
        accounts: How many accounts wrote, whatever the limit.
    """

    account_id: str
    feedback: int
    negative: int
    critical: int
    recent: int
    newest: datetime
    accounts: int


def read_area_accounts(
    cursor: Cursor,
    product_area: str,
    segment: str,
    as_of: datetime,
    window: AreaWindow,
    limit: int,
) -> list[AreaAccount]:
    """Returns the accounts with most rows in [as_of - window, as_of), the one with most first.

    Args:
        cursor: Of any transaction.
        product_area: First part of the pair.
        segment: Second part, the customer_tier.
        as_of: End of the window, UTC.
        window: What is counted.
        limit: Accounts at most.
    """
    values = {
        "product_area": product_area,
        "segment": segment,
        "as_of": as_of,
        "since": as_of - timedelta(days=window.days),
        "recent_since": as_of - timedelta(days=RECENT_DAYS),
        "critical_priority": window.critical_priority,
        "limit": limit,
    }
    cursor.execute(_QUERIES["accounts_of_area"], values)
    return records(cursor, AreaAccount)
