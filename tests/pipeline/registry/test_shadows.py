"""`models shadow`, and `models compare` on outcomes, as one types them."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from pipeline.cli import run_cli
from pipeline.logs import import_tensorflow
from tests.components.conftest import FeedbackTables
from tests.components.outcome_recorder.published import put_publication
from tests.components.outcome_recorder.published import record as record_outcomes
from tests.components.shadow.shadows import record, shadow

OLD, NEW, REFUSED = "20260501-aaaaaaaa", "20260601-bbbbbbbb", "20260602-cccccccc"
FIRST = datetime(2024, 3, 1, tzinfo=timezone.utc)
NAMES = [f"ACC-{number:03d}" for number in range(100)]
LEFT = NAMES[:40]


@pytest.fixture
def stocked(sqlite_shelf: Any, migrated_database: str) -> Any:
    for version, blessed in ((OLD, True), (NEW, True), (REFUSED, False)):
        sqlite_shelf.train(version, blessed=blessed, horizon_days=10)
    return sqlite_shelf


@pytest.fixture
def tables(migrated_database: str) -> FeedbackTables:
    """A hundred accounts of which forty leave; the champion tells them apart, the old one not."""
    found = FeedbackTables(migrated_database)
    found.add(
        {"account_id": name, "created_at": FIRST + timedelta(days=when)}
        for name in NAMES
        for when in (-3, 12)
    )
    found.churn([(name, FIRST + timedelta(days=4)) for name in LEFT])
    return found


def publish(tables: FeedbackTables, accounts: list[str]) -> int:
    random = np.random.default_rng(3)
    said = {name: 0.7 if name in LEFT else 0.2 for name in accounts}
    number = put_publication(tables, FIRST, said, model=NEW)
    record(number, shadow(OLD, {name: random.uniform(0.1, 0.9) for name in accounts}))
    record_outcomes(FIRST + timedelta(days=13), number)
    return number


def shadows(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run_cli(["models", "shadow", *arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["note"] == ""
    return {row["version"]: row for row in found["models"]}


def test_the_models_in_shadow_are_listed(
    stocked: Any, tables: FeedbackTables, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = shadows(capsys)
    assert {one: (row["role"], row["asked"]) for one, row in rows.items()} == {
        OLD: ("former champion", True),
        REFUSED: ("newest challenger", False),
    }
    assert rows[OLD]["recorded"] is None
    publish(tables, NAMES)
    recorded = shadows(capsys)[OLD]["recorded"]
    assert (recorded["publications"], recorded["closed"], recorded["accounts"]) == (1, 1, 100)
    assert run_cli(["models", "shadow"]) == 0
    said = capsys.readouterr().out
    assert f"TENS_INSIGHT_SHADOW_MODELS is 1: {REFUSED} is not asked" in said


def test_a_person_puts_a_model_in_shadow_and_takes_it_out(
    stocked: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_cli(["models", "shadow", "--pin", "20260602", "--reason", "is it so bad?"]) == 0
    said = capsys.readouterr().out
    assert f"Put in shadow {REFUSED}: transition 1, shadow by" in said
    assert f"TENS_INSIGHT_SHADOW_MODELS is 1: {OLD} is not asked" in said
    assert shadows(capsys)[REFUSED]["role"] == "pinned"
    monkeypatch.setenv("TENS_INSIGHT_SHADOW_MODELS", "2")
    assert {row["asked"] for row in shadows(capsys).values()} == {True}
    assert run_cli(["models", "shadow", "--end"]) == 0
    assert f"Took from shadow {REFUSED}" in capsys.readouterr().out
    assert shadows(capsys)[REFUSED]["role"] == "newest challenger"
    for arguments, said in (
        (["--end"], "Nobody put a model in shadow"),
        (["--pin", "20260601"], "is the champion"),
        (["--pin", "x"], "There is no model 'x'"),
        (["--pin", OLD, "--end"], "either --pin or --end"),
        (["--reason", "why"], "goes with --pin or --end"),
    ):
        assert run_cli(["models", "shadow", *arguments]) == 2
        assert said in capsys.readouterr().err


def test_models_are_compared_on_outcomes_where_there_are_enough(
    stocked: Any, tables: FeedbackTables, capsys: pytest.CaptureFixture[str]
) -> None:
    import_tensorflow()
    few = [*LEFT[:29], *NAMES[40:]]
    publish(tables, few)
    assert run_cli(["models", "compare", OLD, NEW]) == 0
    said = capsys.readouterr().out
    assert "Outcomes are not enough: of the accounts that both scored 29 have left and 60" in said
    assert "Not compared on one evaluation set. The files of model" in said
    tables.execute(
        "TRUNCATE tens_insight.publications, tens_insight.account_risk_score_history, "
        "tens_insight.shadow_models, tens_insight.shadow_scores, tens_insight.outcome_windows"
    )
    publish(tables, NAMES)
    assert run_cli(["models", "compare", OLD, NEW]) == 0
    said = capsys.readouterr().out
    assert "On outcomes that are known by now: 100 accounts that both scored, 40 left" in said
    assert "evaluation set" not in said
    assert run_cli(["models", "compare", OLD, NEW, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["evaluation"] is None
    matured = found["matured"]
    assert (matured["accounts"], matured["churned"], matured["horizon_days"]) == (100, 40, 10)
    assert matured["first"][:10] == "2024-03-01"
    auc = matured["metrics"]["auc"]
    assert auc["b"] == 1.0
    assert auc["difference"]["interval"][0] > 0.2


def test_models_of_two_horizons_have_no_outcomes_in_common(
    stocked: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    import_tensorflow()
    other = "20260603-dddddddd"
    stocked.train(other, blessed=True, horizon_days=30)
    assert run_cli(["models", "compare", NEW, other]) == 0
    assert "they speak of 10 and 30 days" in capsys.readouterr().out
