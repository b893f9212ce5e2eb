"""Publications to account_risk_scores, as AccountScorer makes them."""

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

from components.postgres.connection import connect
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.publication import Publication, Published, PublishPolicy
from components.publishing.publish import publish
from serving_model.served.risk import risk_categories
from tests.components.publishing.policies import policy_with, publish_policy

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
POLICY = publish_policy(max_count_change=9.0)
KEEP = policy_with(POLICY, remove_departed=False)


def publish_scores(
    model: str, day: int, scores: Mapping[str, float], policy: PublishPolicy = POLICY
) -> Published:
    """Publishes probabilities by account, as of `day` days after AS_OF."""
    as_of = AS_OF + timedelta(days=day)
    rows = [
        (name, p, 100 * (1 - p), str(risk_categories([p])[0]), as_of, model)
        for name, p in scores.items()
    ]
    publication = Publication(as_of, model, "account_churn", f"run-{day}", len(rows))
    return publish(ACCOUNT_RISK_SCORES, lambda: rows, publication=publication, policy=policy)


def query(statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Asks the database that DATABASE_URL names."""
    with closing(connect("tens-insight test")) as one, one, one.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []
