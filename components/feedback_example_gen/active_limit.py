"""After how many days without an event an account counts as silent in a run: set, or proposed."""

from datetime import datetime
from typing import Final

import psycopg2.extensions

from components.feedback_example_gen.living_gaps import ActiveLimit, propose_limit
from components.feedback_example_gen.reading.feedback_reader import read_churn, read_moments
from components.feedback_example_gen.reading.published_population import read_published_population
from components.feedback_example_gen.reading.watermark import Watermark
from components.feedback_example_gen.request import ACCOUNT_CHURN, AUTO, ReadRequest

_MOST_ROWS: Final = 1_000_000
"""Of a larger table the accounts of about so many rows are looked at."""


def read_active_limit(
    connection: psycopg2.extensions.connection,
    request: ReadRequest,
    watermark: Watermark,
    as_of: datetime,
    label_source: str,
) -> ActiveLimit:
    """Returns the limit of a run.

    A run that trains proposes a new one. One that only scores takes that of the newest publication,
    so that accounts do not come and go by a limit that moves from day to day.

    Args:
        connection: Inside the run's snapshot, with time zone UTC.
        request: What is asked for.
        watermark: What the feedback amounts to.
        as_of: The run's now, UTC.
        label_source: account_churn or inactivity.

    Raises:
        ContractBroken: A column or the right to read is missing.
        DatabaseUnreachable: The server went away.
    """
    if request.config.active_within_days != AUTO:
        return ActiveLimit(request.config.active_days)
    if (published := published_limit(connection, request, as_of)) is not None:
        return published
    if watermark.first is None:
        return ActiveLimit(None, "there is no feedback")
    feedback = read_moments(connection, as_of, share=min(1.0, _MOST_ROWS / watermark.rows))
    churn = None
    if label_source == ACCOUNT_CHURN:
        churn = read_churn(connection, request.churn_source, as_of, feedback.account_ids)
    is_final = request.rules.churn_is_final
    return propose_limit(feedback, churn, watermark.first, as_of, churn_is_final=is_final)


def published_limit(
    connection: psycopg2.extensions.connection, request: ReadRequest, as_of: datetime
) -> ActiveLimit | None:
    """Returns what `auto` proposed for the newest publication; None if a run is to propose one.

    Args:
        connection: Inside the run's snapshot.
        request: What is asked for.
        as_of: The run's now, UTC.
    """
    if not request.scores_only:
        return None
    published = read_published_population(connection, as_of) or {}
    why = published.get("why")
    return None if why is None else ActiveLimit(published["active_within_days"], why)
