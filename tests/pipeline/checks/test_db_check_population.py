"""`db check` says when contracts end without a churn date, and what a limit would do."""

import json

import psycopg2
import pytest

from pipeline.cli import run_cli
from tests.environment import unset_settings

END_CONTRACTS = """
CREATE TEMPORARY TABLE ended AS
SELECT account_id FROM feedback_enriched GROUP BY 1 HAVING abs(hashtext(account_id)) % 2 = 0;
DELETE FROM feedback_enriched
WHERE created_at > '2025-08-01' AND account_id IN (SELECT account_id FROM ended);
DELETE FROM account_churn
WHERE churned_at > '2025-08-01' AND account_id IN (SELECT account_id FROM ended)
"""


@pytest.fixture
def world(simulated_database, monkeypatch, tmp_path):
    monkeypatch.setattr("pipeline.checks.checked_database.SECONDS", 60)
    unset_settings(monkeypatch)
    for name, value in (
        ("STATE_DIR", str(tmp_path)),
        ("AS_OF", "2026-06-01"),
        ("MIN_ACCOUNTS", "50"),
        ("MIN_CHURNED", "3"),
    ):
        monkeypatch.setenv(f"TENS_INSIGHT_{name}", value)
    return simulated_database


def execute(url, statement):
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def warned(capsys):
    code = run_cli(["db", "check", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert code == 0
    return [said for said in found["warnings"] if "without a churn date" in said]


def test_a_table_that_records_every_departure_is_believed(world, capsys):
    assert warned(capsys) == []


def test_contracts_that_end_without_a_date_are_seen_and_a_limit_is_proposed(
    world, capsys, monkeypatch
):
    execute(world, END_CONTRACTS)
    (message,) = warned(capsys)
    assert "accounts of the evaluation cutoff had been silent for more than" in message
    assert "nothing would learn from them, the base rate would be" in message
    monkeypatch.setenv("TENS_INSIGHT_MAX_SILENT_SHARE", "0.9")
    assert warned(capsys) == []
    monkeypatch.setenv("TENS_INSIGHT_MAX_SILENT_SHARE", "0.1")
    monkeypatch.setenv("TENS_INSIGHT_DATA_CHECKS", '{"population": "off"}')
    assert warned(capsys) == []
    monkeypatch.delenv("TENS_INSIGHT_DATA_CHECKS")
    for limit in ("120", "auto"):
        monkeypatch.setenv("TENS_INSIGHT_ACTIVE_WITHIN_DAYS", limit)
        assert warned(capsys) == []
