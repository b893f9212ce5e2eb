"""`db check` refuses a ground truth that a run would refuse, in the words of the run."""

import json
import subprocess
import sys
from typing import Any

import pytest

from pipeline.cli import run_cli
from tests.contract.conftest import execute

AS_OF = "2026-06-01"
HALF = "WHERE abs(hashtext(account_id)) % 2 = 0"


@pytest.fixture
def checked(
    simulated_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """Runs `db check` after some statements: its code and what it printed."""
    monkeypatch.setenv("TENS_INSIGHT_AS_OF", AS_OF)
    monkeypatch.setenv("TENS_INSIGHT_LOOKBACK_DAYS", "120")
    monkeypatch.setenv("TENS_INSIGHT_MIN_ACCOUNTS", "50")
    monkeypatch.setenv("TENS_INSIGHT_MIN_CHURNED", "3")
    monkeypatch.setattr("pipeline.checks.checked_database.SECONDS", 60)

    def check(*statements: str, **options: Any) -> tuple[int, str]:
        if statements:
            execute(simulated_database, *statements)
        code = run_cli(["db", "check", *(["--json"] if options.get("as_json") else [])])
        return code, capsys.readouterr().out

    return check


def test_a_sound_truth_is_told_in_numbers(checked: Any) -> None:
    code, out = checked()
    assert code == 0, out
    assert "rows that count, the newest 1 days old" in out
    assert "of them match no account" in out


def test_half_of_the_ids_in_lower_case(checked: Any) -> None:
    code, out = checked(f"UPDATE account_churn SET account_id = lower(account_id) {HALF}")
    assert code == 4
    assert "churn rows match no account: " in out
    assert "differ by upper and lower case, 'acc-" in out
    assert "All is well" not in out


def test_an_export_that_stopped_and_a_setting_that_accepts_it(
    checked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = "DELETE FROM account_churn WHERE churned_at > timestamptz '2026-06-01' - interval '50 d'"
    code, out = checked(stop)
    assert code == 4
    assert "accounts that left since 2026-04-" in out
    monkeypatch.setenv("TENS_INSIGHT_DATA_CHECKS", '{"truth": "warn"}')
    code, out = checked()
    assert (code, out.count("warning")) == (0, 1), out


def test_a_misspelt_table_is_an_error(checked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENS_INSIGHT_CHURN_TABLE", "acount_churn")
    code, out = checked()
    assert code == 7
    assert "Did you mean account_churn?" in out


def test_programs_get_the_checks(checked: Any) -> None:
    code, out = checked("TRUNCATE account_churn", as_json=True)
    assert code == 4
    assert "days since the newest churn" in json.dumps(json.loads(out))


def test_the_ground_truth_needs_no_tensorflow() -> None:
    modules = (
        "components.data_checker.ground_truth, components.feedback_example_gen.ground_truth, "
        "components.feedback_example_gen.cutoffs"
    )
    code = f"import sys, {modules}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
