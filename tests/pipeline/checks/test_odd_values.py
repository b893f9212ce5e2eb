"""Values that Python cannot hold, wherever a column is read: no command ends with a traceback."""

import contextlib
import json

import psycopg2
import pytest

from pipeline import last_publication, load_settings
from pipeline.cli import run_cli

ODD = (
    ("0.5", "'20260-01-01'"),
    ("0.5", "'0044-03-15 BC'"),
    ("'NaN'", "'infinity'"),
    ("'Infinity'", "'-infinity'"),
)


def execute(url, *statements):
    closing = contextlib.closing(psycopg2.connect(url))
    with closing as connection, connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture(scope="module")
def odd_world(postgres_server, simulated_template):
    """URL of a world of which every date is odd somewhere, and scores of another writer."""
    name = postgres_server.create_database(simulated_template)
    url = postgres_server.url(name)
    execute(
        url,
        "ALTER TABLE account_risk_scores "
        "DROP CONSTRAINT account_risk_scores_churn_probability_check",
        *(
            f"INSERT INTO account_risk_scores VALUES ('ODD-{n}', {score}, 50, 'high', {at}, 'm')"
            for n, (score, at) in enumerate(ODD)
        ),
        "UPDATE feedback_enriched SET account_id = 'ODD-' || hashtext(id) % 6 "
        "WHERE hashtext(id) % 50 BETWEEN 0 AND 5",
        *(
            f"UPDATE feedback_enriched SET created_at = {at} WHERE hashtext(id) % 50 = {n}"
            for n, (_, at) in enumerate(ODD)
        ),
        "UPDATE feedback_enriched SET created_at = '-infinity' WHERE account_id = 'ODD-5'",
        *(f"INSERT INTO account_churn VALUES ('ODD-{n}', {at})" for n, (_, at) in enumerate(ODD)),
        "INSERT INTO product_area_impact VALUES "
        "('a', 'b', 1, 1, 0, 0, 0, '20260-01-01', 'w'), "
        "('a', 'c', 1, 1, 0, 0, 0, '-infinity', 'w')",
    )
    yield url
    postgres_server.drop_database(name)


@pytest.fixture(autouse=True)
def _place(odd_world, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", odd_world)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("TENS_INSIGHT_AS_OF", "2026-06-01")
    monkeypatch.setattr("pipeline.checks.checked_database.SECONDS", 60)


@pytest.mark.parametrize(
    "command",
    [
        *(f"account ODD-{n}" for n in range(5)),
        "accounts",
        "status",
        "areas",
        "db check",
        "publications list",
    ],
)
def test_odd_values_are_shown(command, capsys):
    assert run_cli([*command.split(), "--json"]) in (0, 2, 4)

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    json.loads(capsys.readouterr().out.splitlines()[-1], parse_constant=refuse)
    assert run_cli(command.split()) in (0, 2, 4)
    told = capsys.readouterr()
    assert "Traceback" not in told.out + told.err
    assert "Unexpected" not in told.err


def test_an_account_without_a_possible_date_is_told_so(capsys):
    assert run_cli(["account", "ODD-5"]) == 2
    assert "has a possible date" in capsys.readouterr().err


def test_the_api_reads_them_too():
    assert last_publication(load_settings()) is None


@pytest.mark.parametrize("moment", ["0001-01-01", "1969-12-31", "9999-12-31T23:59-12:00"])
@pytest.mark.parametrize("setting", ["AS_OF", "EVAL_CUTOFF"])
def test_a_setting_far_from_any_feedback_is_invalid(setting, moment, monkeypatch, capsys):
    monkeypatch.setenv(f"TENS_INSIGHT_{setting}", moment)
    assert run_cli(["db", "check"]) == 6
    assert "1990 to 2999" in capsys.readouterr().err
