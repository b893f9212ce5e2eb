"""A small world to stream from, a model that shows every difference, and a full rescoring."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from bench.stream_ground import said, scored_at, wrong
from components.account_scorer.config import AccountScorerConfig
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.publication import Publication, PublishPolicy
from components.publishing.publish import publish
from components.streaming.champion import StreamChampion
from components.streaming.config import StreamConfig
from components.streaming.scan import ScanSource
from components.streaming.step import Stream, StreamSettings
from serving_model.served.risk_bands import RiskBands
from tests.components.conftest import READING, FeedbackTables

LAX = AccountScorerConfig(
    max_count_change=99.0, max_mean_shift=1.0, max_category_shift=1.0, max_moved_share=1.0
)
STREAMING = StreamConfig(stream_accounts=10)


def champion(label_source: str = "inactivity", **changes: Any) -> StreamChampion:
    return replace(
        StreamChampion("model-1", label_source, 10, (10,), None, RiskBands(), said), **changes
    )


def stream(
    scoring: AccountScorerConfig = LAX, streaming: StreamConfig = STREAMING, **changes: Any
) -> Stream:
    kinds = StreamSettings(READING, scoring, streaming)
    known = {"source": ScanSource(streaming), "champion": champion} | changes
    return Stream(kinds, **known)


@contextmanager
def opened(one: Stream) -> Iterator[Stream]:
    one.open()
    try:
        yield one
    finally:
        one.close()


def now(tables: FeedbackTables) -> datetime:
    ((moment,),) = tables.execute("SELECT clock_timestamp()")
    return moment.astimezone(timezone.utc)


def write(tables: FeedbackTables, *accounts: str, ago: float = 0.0, **changes: Any) -> None:
    """Adds a row of each account, of so many days ago."""
    moment = now(tables) - timedelta(days=ago)
    tables.add([{"account_id": one, "created_at": moment, **changes} for one in accounts])


def run(tables: FeedbackTables) -> tuple[int, datetime]:
    """Publishes all accounts, as a run does; returns the number and the moment."""
    as_of = now(tables)
    accounts = [
        one for (one,) in tables.execute("SELECT DISTINCT account_id FROM feedback_enriched")
    ]
    scores = rescored([one for one in accounts if one], as_of)
    bands = RiskBands()
    names = list(scores)
    categories = bands.categories(list(scores.values()), names)
    rows = [
        (name, scores[name], 100 * (1 - scores[name]), str(category), as_of, "model-1")
        for name, category in zip(names, categories, strict=True)
    ]
    publication = Publication(as_of, "model-1", "inactivity", f"run-{as_of}", len(rows))
    published = publish(
        ACCOUNT_RISK_SCORES, lambda: rows, publication=publication, policy=PublishPolicy(LAX)
    )
    return published.publication_id, as_of


def table(tables: FeedbackTables) -> dict[str, tuple[float, datetime]]:
    rows = tables.execute(
        "SELECT account_id, churn_probability, predicted_at FROM account_risk_scores"
    )
    return {name: (p, moment.astimezone(timezone.utc)) for name, p, moment in rows}


def wrong_scores(tables: FeedbackTables) -> list[str]:
    """Says which scores are not, to the last bit, those of a full rescoring at their moments."""
    return wrong(table(tables), READING)


def rescored(accounts: Sequence[str], as_of: datetime) -> dict[str, float]:
    """Scores accounts as of a moment, from all that is in the table now."""
    return scored_at(accounts, as_of, READING)
