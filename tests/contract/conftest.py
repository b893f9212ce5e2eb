"""A database after both tables were published, with a role for each of the three users."""

import json
import uuid
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import quote, urlsplit

import numpy as np
import psycopg2
import pytest
from psycopg2 import sql

from components.feedback_example_gen.reading.area_counts import AreaWindow, read_area_counts
from components.postgres.grants import Roles, grant_statements
from components.postgres.tables import ACCOUNT_RISK_SCORES, PRODUCT_AREA_IMPACT
from components.publishing.details import Details
from components.publishing.publication import NO_LABEL, Publication
from components.publishing.publish import publish
from serving_model.served.risk import health_scores
from serving_model.served.risk_bands import CONTRACT_BANDS
from tests.components.publishing.policies import publish_policy
from transforms.product_area_impact import Weights, area_impacts

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
BANDS = CONTRACT_BANDS.against(0.05)
POLICY = publish_policy(max_count_change=0.5)


@dataclass(frozen=True)
class RoleUrls:
    """The three roles, and where each of them connects."""

    names: Roles
    installer: str
    pipeline: str
    reader: str


def execute(url, *statements):
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def query(url, statement, *values):
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def give_grants(url, roles):
    """Runs what `db grants` prints, as a superuser, in one transaction, as psql -1 does."""
    with closing(psycopg2.connect(url)) as connection:
        statements = grant_statements(connection, roles, "account_churn")
    execute(url, statements)


@pytest.fixture
def roles(postgres_server, database):
    """Three fresh roles without any right in `database`, from which PUBLIC's are taken."""
    tag = uuid.uuid4().hex[:8]
    names = Roles(f"inst-{tag}", f'Pipe"{tag}', f"reader_{tag}")
    parts = urlsplit(database)
    here = sql.Identifier(parts.path.lstrip("/"))
    identifiers = [sql.Identifier(name) for name in vars(names).values()]
    for identifier in identifiers:
        postgres_server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(identifier))
    postgres_server.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(here))
    execute(database, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    try:
        yield RoleUrls(names, *(as_role(database, name) for name in vars(names).values()))
    finally:
        for identifier in identifiers:
            postgres_server.execute(
                sql.SQL("DROP OWNED BY {} CASCADE").format(identifier), parts.path.lstrip("/")
            )
            postgres_server.execute(sql.SQL("DROP ROLE {}").format(identifier))


def as_role(url, name):
    """The same database for another role that needs no password."""
    parts = urlsplit(url)
    kept = "&".join(part for part in parts.query.split("&") if not part.startswith("user="))
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{quote(name, safe='')}@{host}{parts.path}?{kept}"


def publish_scores(url, monkeypatch, as_of=AS_OF, model_version="model-1", bands=BANDS):
    """Publishes score and details of every account, as the pipeline's role would."""
    monkeypatch.setenv("DATABASE_URL", url)
    accounts = [
        row[0]
        for row in query(
            url,
            "SELECT DISTINCT account_id FROM feedback_enriched WHERE account_id IS NOT NULL "
            "ORDER BY account_id",
        )
    ]
    drawn = np.random.default_rng(1).uniform(size=len(accounts))
    drawn[:4] = (0.0, 0.25, 0.75, 1.0)
    columns = zip(
        accounts,
        drawn.tolist(),
        health_scores(drawn, accounts).tolist(),
        bands.categories(drawn, accounts).tolist(),
        strict=True,
    )
    rows = [(*values, as_of, model_version) for values in columns]
    details = [
        (
            *(account, json.dumps({"60": p}), 100.0, 3.0, "active", -3.0, 0.1),
            *('[{"group": "pace"}]', "[]", "pro", "EU"),
        )
        for account, p in zip(accounts, drawn.tolist(), strict=True)
    ]
    publication = Publication(
        as_of, model_version, "account_churn", "run-1", len(rows), bands=bands
    )
    publish(
        ACCOUNT_RISK_SCORES,
        lambda: iter(rows),
        publication=publication,
        policy=POLICY,
        details=Details(lambda: iter(details), horizon_days=60),
    )


def publish_areas(url, monkeypatch, as_of=AS_OF):
    """Publishes the product areas of the feedback, by the rule."""
    monkeypatch.setenv("DATABASE_URL", url)
    with closing(psycopg2.connect(url)) as connection:
        counts = read_area_counts(connection, as_of, AreaWindow(days=90, critical_priority=4))
    version = Weights().version()
    rows = [
        (
            *(impact.counts.product_area, impact.counts.segment, impact.priority_score),
            *(impact.counts.feedback, impact.counts.avg_sentiment_score),
            *(impact.counts.negative, impact.counts.critical, as_of, version),
        )
        for impact in area_impacts(counts.pairs, Weights(), ["enterprise"])
    ]
    publication = Publication(as_of, version, NO_LABEL, "run-1", len(rows))
    publish(PRODUCT_AREA_IMPACT, lambda: iter(rows), publication=publication, policy=POLICY)
