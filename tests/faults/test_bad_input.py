"""Bad input through the whole command: one clear message, its exit code, nothing half-written."""

import contextlib
import json
import re

import psycopg2
import pytest

from pipeline.cli import run_cli
from pipeline.exit_codes import (
    CONFIGURATION_INVALID,
    CONTRACT_BROKEN,
    DATA_GATE_STOPPED,
    DATABASE_UNREACHABLE,
    NOTHING_TO_PUBLISH,
)
from tests.environment import unset_settings

pytestmark = pytest.mark.slow

AS_OF = "2026-06-01"
OLD_ROW = (
    "INSERT INTO public.account_risk_scores VALUES "
    "('ACC-OLD', 0.5, 50, 'high', '2026-01-01+00', 'old-model')"
)


@pytest.fixture
def world(simulated_database, monkeypatch, tmp_path):
    """A sound little world with one old score, whose small size the gate accepts."""
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TENS_INSIGHT_MIN_ACCOUNTS", "50")
    monkeypatch.setenv("TENS_INSIGHT_MIN_CHURNED", "3")
    # On a busy machine the checks before a run leave more to the run, which says it otherwise.
    monkeypatch.setattr("pipeline.checks.checked_database.SECONDS", 60)
    execute(simulated_database, OLD_ROW)
    return simulated_database


def execute(url, *statements):
    closing = contextlib.closing(psycopg2.connect(url))
    with closing as connection, connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def query(url, statement):
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def refused(capsys, url, code, *said, kind="train", as_of=AS_OF):
    """Runs a pipeline that must fail: code, message, no traceback, table as it was."""
    assert run_cli(["run", kind, "--as-of", as_of, "--json"]) == code
    captured = capsys.readouterr()
    for text in said:
        assert text in captured.err
    assert "Traceback" not in captured.err
    outcome = json.loads(captured.out.splitlines()[-1])
    assert outcome["exit"] == code
    assert query(url, "SELECT account_id FROM public.account_risk_scores") == [("ACC-OLD",)]
    log = "SELECT count(*) FROM tens_insight.publications WHERE target_table = "
    assert query(url, f"{log} 'account_risk_scores'") == [(0,)]
    return captured


def test_wrong_password(world, password_url, monkeypatch, capsys):
    user, secret = password_url.split("//")[1].split("@")[0].split(":")
    monkeypatch.setenv("DATABASE_URL", password_url.replace(secret, "wrong"))
    assert run_cli(["run", "train", "--as-of", AS_OF]) == DATABASE_UNREACHABLE
    said = capsys.readouterr().err
    assert user in said
    assert "password" in said
    assert secret not in said


def test_unreachable_database(world, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:9/goinsight")
    assert run_cli(["run", "score", "--as-of", AS_OF]) == DATABASE_UNREACHABLE
    said = capsys.readouterr().err
    assert "127.0.0.1:9" in said
    assert "hunter2" not in said


def test_a_state_dir_that_cannot_be_written(world, monkeypatch, capsys):
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", "/proc/tens-insight")
    refused(capsys, world, CONFIGURATION_INVALID, "state_dir", "TENS_INSIGHT_STATE_DIR")


def test_missing_input_table(world, capsys):
    execute(world, "DROP TABLE feedback_enriched")
    refused(capsys, world, CONTRACT_BROKEN, "feedback_enriched")


def test_old_database_without_account_id(world, capsys):
    execute(world, "ALTER TABLE feedback_enriched DROP COLUMN account_id")
    refused(capsys, world, CONTRACT_BROKEN, "feedback_enriched", "account_id")


def test_wrong_column_type(world, capsys):
    execute(world, "ALTER TABLE feedback_enriched ALTER COLUMN created_at TYPE timestamp")
    refused(capsys, world, CONTRACT_BROKEN, "created_at", "timestamp with")


def test_missing_output_table(world, capsys):
    execute(world, "ALTER TABLE account_risk_scores RENAME TO elsewhere")
    assert run_cli(["run", "train", "--as-of", AS_OF]) == CONTRACT_BROKEN
    assert "tens-insight db init" in capsys.readouterr().err


def test_missing_privilege_is_named(world, password_url, monkeypatch, capsys):
    database = world.split("///")[1].split("?")[0]
    monkeypatch.setenv("DATABASE_URL", _same_login(password_url, database))
    assert run_cli(["run", "train", "--as-of", AS_OF]) == CONTRACT_BROKEN
    said = capsys.readouterr().err
    assert "GRANT SELECT" in said
    assert "feedback_enriched" in said


def _same_login(url, database):
    head, _, tail = url.partition("@")
    host, _, rest = tail.partition("/")
    return f"{head}@{host}/{database}?{rest.partition('?')[2]}"


def test_no_rows(world, capsys):
    execute(world, "TRUNCATE feedback_enriched")
    refused(capsys, world, DATA_GATE_STOPPED, "holds no feedback with an account_id")


def test_no_row_with_an_account(world, capsys):
    execute(world, "UPDATE feedback_enriched SET account_id = NULL")
    refused(capsys, world, DATA_GATE_STOPPED, "rows without one")


def test_only_future_timestamps(world, capsys):
    execute(world, "UPDATE feedback_enriched SET created_at = '2027-01-01'")
    refused(capsys, world, DATA_GATE_STOPPED, "rows later")


def test_history_too_short(world, capsys):
    execute(world, "DELETE FROM feedback_enriched WHERE created_at < '2026-03-01'")
    refused(capsys, world, DATA_GATE_STOPPED, "too short", "TENS_INSIGHT_LOOKBACK_DAYS=")


def test_all_accounts_churned(world, capsys):
    execute(
        world,
        "TRUNCATE account_churn",
        "INSERT INTO account_churn SELECT DISTINCT account_id, timestamptz '2026-04-15' "
        "FROM feedback_enriched WHERE account_id IS NOT NULL",
        "DELETE FROM feedback_enriched WHERE created_at >= '2026-04-15'",
    )
    refused(capsys, world, DATA_GATE_STOPPED, "eval only 0 examples stayed", "MIN_CHURNED")


def test_too_few_accounts_and_no_churn_do_not_hold_product_areas_back(world, capsys, monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_MIN_ACCOUNTS", "5000")
    execute(world, "TRUNCATE account_churn")
    few = ("at least 5000 are needed", "MIN_ACCOUNTS", "only 0 examples churned")
    captured = refused(capsys, world, DATA_GATE_STOPPED, *few)
    ((areas,),) = query(world, "SELECT count(*) FROM public.product_area_impact")
    assert f"Published {areas} product areas." in captured.err
    assert areas > 5
    assert "This stops the account scores; product areas are still published." in captured.err
    assert not re.search(r"Published \d+ account scores", captured.err)


def test_stale_feedback(world, capsys):
    refused(
        capsys,
        world,
        DATA_GATE_STOPPED,
        "30 days older than as_of",
        as_of="2026-07-01",
        kind="score",
    )


def test_values_outside_their_domain(world, capsys):
    execute(
        world,
        "ALTER TABLE feedback_enriched DROP CONSTRAINT feedback_enriched_priority_check",
        "UPDATE feedback_enriched SET priority = 9 WHERE hashtext(id) % 10 = 0",
    )
    captured = refused(
        capsys, world, DATA_GATE_STOPPED, "event_priority breaks the schema", kind="score"
    )
    assert "Product areas are not ranked" in captured.err
    assert query(world, "SELECT count(*) FROM public.product_area_impact") == [(0,)]


def test_scoring_without_a_champion(world, capsys):
    refused(capsys, world, NOTHING_TO_PUBLISH, "There is no champion", kind="score")
