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

CAME_BACK = """
UPDATE feedback_enriched SET created_at = '2026-05-30'
FROM (SELECT max(id) AS id
      FROM feedback_enriched JOIN account_churn USING (account_id)
      WHERE churned_at < '2026-05-01'
      GROUP BY account_id ORDER BY account_id LIMIT 5) AS newest
WHERE feedback_enriched.id = newest.id
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


def told(capsys):
    capsys.readouterr()
    assert run_cli(["db", "check"]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_who_is_silent_and_who_came_back_is_counted(world, capsys, monkeypatch):
    assert "silent for more than" not in told(capsys)
    execute(world, CAME_BACK)
    monkeypatch.setenv("TENS_INSIGHT_ACTIVE_WITHIN_DAYS", "60")
    found = told(capsys)
    assert "5 accounts have feedback after their churn date: they are back" in found
    assert "accounts are silent for more than 60 days and have no churn date since" in found
    monkeypatch.setenv("TENS_INSIGHT_ROWS_AFTER_CHURN", "final")
    assert "5 accounts have feedback after their churn date: their churn is final" in told(capsys)


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
