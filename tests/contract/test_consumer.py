"""GoInsight's API lives on what is published, and would notice what it could not live on."""

import psycopg2
import pytest
from psycopg2 import sql

from serving_model.served.risk_bands import RiskBands
from tests.contract.conftest import execute, publish_areas, publish_scores
from tests.contract.goinsight import GoInsight, check_published

DROP_CHECKS = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT conname FROM pg_constraint
                WHERE conrelid = '{table}'::regclass AND contype = 'c'
    LOOP EXECUTE format('ALTER TABLE {table} DROP CONSTRAINT %I', name); END LOOP;
END $$"""


@pytest.fixture
def published(simulated_database, monkeypatch):
    """A world of 400 accounts whose two tables were published."""
    publish_scores(simulated_database, monkeypatch)
    publish_areas(simulated_database, monkeypatch)
    return simulated_database


def test_the_api_can_live_on_what_is_published(published):
    check_published(GoInsight(published))


LIFT = RiskBands("lift", lifts=(1.5, 2.5, 4.0), base_rate=0.1)
LIFT_CUTS = {"low": (0, 0.15), "medium": (0.15, 0.25), "high": (0.25, 0.4), "critical": (0.4, 1.1)}


@pytest.mark.parametrize(
    ("bands", "cuts"), [(LIFT, LIFT_CUTS), (RiskBands("capacity", capacity=(10, 40, 90)), None)]
)
def test_it_can_live_on_other_bands_too(simulated_database, monkeypatch, bands, cuts):
    publish_scores(simulated_database, monkeypatch, bands=bands)
    publish_areas(simulated_database, monkeypatch)
    api = GoInsight(simulated_database)
    check_published(api, cuts)
    with pytest.raises(AssertionError):
        check_published(api)  # the fixed cuts are those of the default alone
    if cuts is None:
        counts = api.category_counts()
        assert [counts[name] for name in ("critical", "high", "medium")] == [10, 40, 90]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE {scores} SET churn_probability = 'NaN' WHERE churn_probability = 0",
        "UPDATE {scores} SET health_score = 12 WHERE churn_probability = 1",
        "UPDATE {scores} SET risk_category = 'Low' WHERE churn_probability = 0",
        "UPDATE {scores} SET risk_category = 'medium' WHERE churn_probability = 0",
        "UPDATE {scores} SET risk_category = 'low' WHERE churn_probability = 0.25",
        "UPDATE {scores} SET predicted_at = now() WHERE churn_probability = 0",
        "UPDATE {scores} SET model_version = 'other' WHERE churn_probability = 0",
        "UPDATE {scores} SET account_id = '' WHERE churn_probability = 0",
        "ALTER TABLE {scores} ALTER model_version DROP NOT NULL; "
        "UPDATE {scores} SET model_version = NULL WHERE churn_probability = 0",
        "ALTER TABLE {scores} ALTER churn_probability TYPE numeric",
        "ALTER TABLE {scores} ALTER predicted_at TYPE timestamp",
        "ALTER TABLE {scores} RENAME health_score TO health",
        "ALTER TABLE {areas} ALTER feedback_count TYPE bigint",
        "UPDATE {areas} SET priority_score = 101 WHERE segment = 'pro'",
        "UPDATE {areas} SET avg_sentiment_score = 'NaN' WHERE segment = 'pro'",
        "UPDATE {areas} SET negative_count = feedback_count + 1",
        "UPDATE {areas} SET segment = 'Pro' WHERE segment = 'pro'",
        "ALTER TABLE {areas} SET SCHEMA tens_insight",
        "TRUNCATE {areas}",
    ],
)
def test_what_it_could_not_live_on_is_noticed(published, change):
    for table in ("public.account_risk_scores", "public.product_area_impact"):
        execute(published, DROP_CHECKS.replace("{table}", table))
    names = {"scores": "public.account_risk_scores", "areas": "public.product_area_impact"}
    execute(published, change.format(**names))
    with pytest.raises((AssertionError, ValueError, psycopg2.Error)):
        check_published(GoInsight(published))


def test_more_columns_tables_and_indexes_do_no_harm(published):
    execute(
        published,
        "ALTER TABLE public.account_risk_scores ADD percentile float8",
        "ALTER TABLE public.product_area_impact ADD note text",
        "CREATE INDEX ON public.account_risk_scores (model_version)",
        "CREATE TABLE public.more (account_id text)",
    )
    check_published(GoInsight(published))


@pytest.mark.parametrize(
    "account_id", ["ACC-Ünï-日本", 'O\'Brien "& Co"', "a/b", " ACC-1 ", "A\\1"]
)
def test_an_id_comes_back_byte_by_byte(published, monkeypatch, account_id):
    rename = sql.SQL("UPDATE feedback_enriched SET account_id = {} WHERE account_id = 'ACC-000009'")
    execute(published, rename.format(sql.Literal(account_id)))
    publish_scores(published, monkeypatch)
    found = GoInsight(published).account(account_id)
    assert found["account_id"] == account_id
