"""Shards of scores as AccountScorer writes them, and their publications."""

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import psycopg2
import pyarrow as pa

from components.contributions.record import Recorded, record_contributions
from components.contributions.retention import Retention
from components.contributions.shard_rows import GROUPS_KEY, contribution_rows
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.publication import Publication
from components.publishing.publish import publish
from serving_model.served.risk_bands import CONTRACT_BANDS
from tests.components.publishing.policies import publish_policy

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
GROUPS = ("silence", "tenure", "volume")
BASE = -2.5
POLICY = publish_policy(max_count_change=1000.0)
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("account_id", "churn_by_horizon")),
        *((name, pa.float64()) for name in ("churn_probability", "base_log_odds")),
        ("contributions", pa.list_(pa.float32())),
        *((name, pa.string()) for name in ("customer_tier", "region", "silence_state")),
    ]
)


@dataclass(frozen=True)
class Scored:
    """What a model says of one account: contributions by group; None where it gives no reasons."""

    log_odds: Sequence[float] | None = None
    probability: float | None = None
    tier: str | None = "pro"
    state: str = "active"
    base: float = BASE
    groups: Sequence[str] = field(default=GROUPS)

    @property
    def p(self) -> float:
        """As the model answers: in 32 bits."""
        if self.probability is not None:
            return float(np.float32(self.probability))
        return float(np.float32(1 / (1 + np.exp(-self.base - sum(self.log_odds or ())))))


def shard(accounts: Mapping[str, Scored]) -> pa.Table:
    """Returns a shard."""
    rows = []
    groups: Sequence[str] = ()
    for name, one in accounts.items():
        given = one.log_odds is not None
        groups = one.groups if given else ()
        rows.append(
            {
                "account_id": name,
                "churn_probability": one.p,
                "churn_by_horizon": json.dumps({"90": one.p**0.5, "30": one.p / 2, "60": one.p}),
                "base_log_odds": one.base if given else None,
                "contributions": one.log_odds,
                "customer_tier": one.tier,
                "region": "EU",
                "silence_state": one.state,
            }
        )
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    return table.replace_schema_metadata({GROUPS_KEY: json.dumps(list(groups))})


def publish_day(day: float, accounts: Mapping[str, Scored], model: str = "model-1") -> int:
    """Publishes scores as of so many days after AS_OF; returns the publication's id."""
    as_of = AS_OF + timedelta(days=day)
    values = np.array([one.p for one in accounts.values()])
    named = CONTRACT_BANDS.categories(values, list(accounts)).tolist()
    rows = [
        (name, one.p, 100 * (1 - one.p), category, as_of, model)
        for (name, one), category in zip(accounts.items(), named, strict=True)
    ]
    publication = Publication(as_of, model, "none", f"run-{day}", len(rows))
    return publish(
        ACCOUNT_RISK_SCORES, lambda: rows, publication=publication, policy=POLICY
    ).publication_id


def record(
    publication_id: int, accounts: Mapping[str, Scored], retention: Retention | None = None
) -> Recorded | None:
    return record_contributions(
        publication_id, contribution_rows([shard(accounts)]), retention or Retention(), patience_s=0
    )


def recorded_day(day: float, accounts: Mapping[str, Scored], model: str = "model-1") -> int:
    """Publishes and records."""
    number = publish_day(day, accounts, model)
    record(number, accounts)
    return number


def ask(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url)) as one, one, one.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []
