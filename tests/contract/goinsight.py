"""What GoInsight's API asks of the database, and what a client with strict types accepts.

It reads by column name, in schema public, with the rights of a reader, and turns any NULL
or NaN into an error or an empty answer.
"""

import contextlib
import math
from datetime import datetime, timezone

import psycopg2

FLOAT8, INT4, TIMESTAMPTZ, INT8 = 701, 23, 1184, 20
STRINGS = {25, 1043}
SCORE_TYPES = {
    "account_id": STRINGS,
    "churn_probability": {FLOAT8},
    "health_score": {FLOAT8},
    "risk_category": STRINGS,
    "predicted_at": {TIMESTAMPTZ},
    "model_version": STRINGS,
}
IMPACT_TYPES = {
    "product_area": STRINGS,
    "segment": STRINGS,
    "priority_score": {FLOAT8},
    "feedback_count": {INT4},
    "avg_sentiment_score": {FLOAT8},
    "negative_count": {INT4},
    "critical_count": {INT4},
    "predicted_at": {TIMESTAMPTZ},
    "model_version": STRINGS,
}
SCORE_COLUMNS = ", ".join(SCORE_TYPES)
IMPACT_COLUMNS = ", ".join(IMPACT_TYPES)
CUTS = {"low": (0.0, 0.25), "medium": (0.25, 0.5), "high": (0.5, 0.75), "critical": (0.75, 1.1)}


class GoInsight:
    """The queries of the API, as a reader on one connection."""

    def __init__(self, url):
        self._url = url

    def account(self, account_id):
        """Health of one account, by primary key; None is what the API answers 404 to."""
        statement = f"SELECT {SCORE_COLUMNS} FROM account_risk_scores WHERE account_id = %s"
        rows = self._rows(statement, SCORE_TYPES, account_id)
        return rows[0] if rows else None

    def accounts(self):
        statement = f"SELECT {SCORE_COLUMNS} FROM account_risk_scores ORDER BY health_score"
        return self._rows(statement, SCORE_TYPES)

    def areas(self):
        order = "ORDER BY priority_score DESC"
        return self._rows(f"SELECT {IMPACT_COLUMNS} FROM product_area_impact {order}", IMPACT_TYPES)

    def areas_of(self, segment):
        where = "WHERE segment = %s ORDER BY priority_score DESC"
        statement = f"SELECT {IMPACT_COLUMNS} FROM product_area_impact {where}"
        return self._rows(statement, IMPACT_TYPES, segment)

    def category_counts(self):
        statement = "SELECT risk_category, count(*) AS n FROM account_risk_scores GROUP BY 1"
        rows = self._rows(statement, {"risk_category": STRINGS, "n": {INT8}})
        return {row["risk_category"]: row["n"] for row in rows}

    def newest(self):
        """The newest moment of either table."""
        types = {"scores": {TIMESTAMPTZ}, "areas": {TIMESTAMPTZ}}
        (row,) = self._rows(
            "SELECT (SELECT max(predicted_at) FROM account_risk_scores) AS scores, "
            "(SELECT max(predicted_at) FROM product_area_impact) AS areas",
            types,
        )
        return row["scores"], row["areas"]

    def feedback_of_areas(self):
        """Priority beside what customers of that tier said: the join on customer_tier."""
        types = {"product_area": STRINGS, "segment": STRINGS, "priority_score": {FLOAT8}}
        return self._rows(
            "SELECT i.product_area, i.segment, i.priority_score, count(f.id) AS feedback "
            "FROM product_area_impact i JOIN feedback_enriched f "
            "ON f.product_area = i.product_area AND f.customer_tier = i.segment "
            "WHERE f.created_at < i.predicted_at GROUP BY 1, 2, 3",
            {**types, "feedback": {INT8}},
        )

    def risk_of_tiers(self):
        """Mean churn probability by tier: the join of scores and feedback on the account."""
        return self._rows(
            "SELECT f.customer_tier, avg(s.churn_probability) AS mean, "
            "count(DISTINCT s.account_id) AS accounts FROM account_risk_scores s "
            "JOIN feedback_enriched f ON f.account_id = s.account_id GROUP BY 1",
            {"customer_tier": STRINGS, "mean": {FLOAT8}, "accounts": {INT8}},
        )

    def _rows(self, statement, types, *values):
        """Runs a query and reads each column as its one type; NULL and NaN are refused."""
        with contextlib.closing(psycopg2.connect(self._url)) as connection:
            cursor = connection.cursor()
            cursor.execute(statement, values)
            rows = cursor.fetchall()
            names = [column.name for column in cursor.description]
            assert names == list(types)
            for column in cursor.description:
                assert column.type_code in types[column.name], (column.name, column.type_code)
        for row in rows:
            assert None not in row, row
            assert not any(isinstance(value, float) and math.isnan(value) for value in row), row
        return [dict(zip(names, row, strict=True)) for row in rows]


def check_published(api, cuts=CUTS):
    """Asserts that the API can live on everything that is published.

    Args:
        api: A GoInsight.
        cuts: Where each category begins and ends; None for a rule that has none, by which a
            higher probability must still never have a lower category.
    """
    accounts, areas = api.accounts(), api.areas()
    assert accounts
    assert areas
    for row in accounts:
        _check_account(row, cuts)
    _check_order(accounts)
    for row in areas:
        _check_area(row)
    _check_one_run(accounts)
    _check_one_run(areas)
    _check_queries(api, accounts, areas)


def _check_order(accounts):
    """The API lists accounts by health, worst first: the words must not contradict that."""
    ranks = [list(CUTS).index(row["risk_category"]) for row in accounts]
    assert ranks == sorted(ranks, reverse=True)


def _check_account(row, cuts):
    probability = row["churn_probability"]
    assert 0 <= probability <= 1
    assert 0 <= row["health_score"] <= 100
    assert math.isclose(row["health_score"], 100 * (1 - probability), abs_tol=1e-9)
    assert row["risk_category"] in CUTS
    if cuts is not None:
        low, high = cuts[row["risk_category"]]
        assert low <= probability < high, row
    assert row["account_id"]


def _check_area(row):
    assert 0 <= row["priority_score"] <= 100
    assert -1 < row["avg_sentiment_score"] < 1
    assert row["feedback_count"] > 0
    assert 0 <= row["negative_count"] <= row["feedback_count"]
    assert 0 <= row["critical_count"] <= row["feedback_count"]
    assert row["product_area"]
    assert row["segment"]


def _check_one_run(rows):
    (predicted_at,) = {row["predicted_at"] for row in rows}
    (model_version,) = {row["model_version"] for row in rows}
    assert predicted_at <= datetime.now(timezone.utc)
    assert model_version


def _check_queries(api, accounts, areas):
    first, last = accounts[0], accounts[-1]
    assert api.account(first["account_id"]) == first
    assert api.account(last["account_id"]) == last
    assert api.account("no such account") is None
    counts = api.category_counts()
    assert sum(counts.values()) == len(accounts)
    assert set(counts) <= set(CUTS)
    scores = [row["priority_score"] for row in areas]
    assert scores == sorted(scores, reverse=True)
    segments = {row["segment"] for row in areas}
    for segment in segments:
        assert api.areas_of(segment) == [row for row in areas if row["segment"] == segment]
    assert api.areas_of("no such segment") == []
    assert api.newest() == (accounts[0]["predicted_at"], areas[0]["predicted_at"])
    _check_joins(api, accounts, areas)


def _check_joins(api, accounts, areas):
    joined = {(row["product_area"], row["segment"]) for row in api.feedback_of_areas()}
    assert joined == {(row["product_area"], row["segment"]) for row in areas}
    tiers = api.risk_of_tiers()
    assert sum(row["accounts"] for row in tiers) >= len(accounts)
    assert all(0 <= row["mean"] <= 1 for row in tiers)
