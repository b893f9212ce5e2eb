"""`tens-insight models accept`: what is recorded, where the model lies then, what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from components.model_gate.decision_file import FILE, Decision
from components.model_gate.evidence import MissingEvidence
from components.registry.rule import champion
from pipeline.cli import run_cli
from pipeline.registry.accepting import serving_dir_of
from pipeline.registry.next_step import next_step
from pipeline.settings import load_settings
from serving_model.served.model_hash import saved_model_sha256
from tests.components.model_gate.test_decision_file import DECISION
from tests.pipeline.registry.conftest import Shelf

THIN, WORSE = "20260601-bbbbbbbb", "20260602-cccccccc"
BECAUSE = "auc against the champion is -0.0500 on 400 accounts (40 churned): at least -0.02"
EVIDENCE = MissingEvidence(
    *("log_loss gain over the constant", 40, 60, 4.7, None, None, 90, 0),
    sentence="40 churned accounts, about 60 are needed for a signal of this size: ...",
)


def judge(shelf: Shelf, version: str, folder: Path, decision: Decision) -> Path:
    """Records a refused challenger with its files; returns the folder of its SavedModel."""
    model = folder / version / "Format-Serving"
    (model / "variables").mkdir(parents=True)
    (model / "saved_model.pb").write_text(version)
    (model / "variables" / "data").write_text("weights")
    blessing = folder / version / "blessing"
    blessing.mkdir()
    (blessing / FILE).write_text(replace(decision, model_version=version).as_json())
    made = shelf.train(
        version, None, uri=str(model.parent), saved_model_sha256=saved_model_sha256(str(model))
    )
    properties = {"model_version": version, "summary": decision.summary, "decision": FILE}
    if decision.unacceptable_because:
        properties["unacceptable_because"] = decision.unacceptable_because
    else:
        properties["acceptable"] = 1
    described = {"blessed": 0, "current_model_id": made, **properties}
    artifact = shelf.artifact("ModelBlessing", str(blessing), described)
    shelf.node(f"run-{shelf.runs}", "ModelGate", [made], [artifact])
    return model


@pytest.fixture
def refused(sqlite_shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A challenger that lacks evidence alone; there is no champion, and no database."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    root = tmp_path / "pipeline_root" / "tens-insight-train" / "ModelTrainer" / "model"
    judge(sqlite_shelf, THIN, root, replace(DECISION, missing_evidence=EVIDENCE))
    return sqlite_shelf


def test_it_is_recorded_scores_and_lies_where_blessed_models_do(
    refused: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = refused.registry
    assert registry.champion() is None
    assert f"models accept {THIN} --reason WHY` publishes with it" in next_step(registry)
    assert EVIDENCE.sentence in next_step(registry)
    assert run_cli(["models", "accept", THIN[:9], "--reason", "enough to begin"]) == 0
    said = capsys.readouterr().out
    assert f"Accepted {THIN}: transition 1, accept by " in said
    assert f"The champion is now {THIN}; before it was none." in said
    found = champion(registry.judged(), registry.transitions())
    assert found is not None
    assert (found.version, found.blessed_at) == (THIN, None)
    (pushed,) = (tmp_path / "serving" / "churn").iterdir()
    assert pushed.name.isdigit()
    assert saved_model_sha256(str(pushed)) == registry.models()[0].properties.saved_model_sha256
    assert f"Copied to {pushed}" in said
    assert run_cli(["models", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["models"]
    assert (row["gate"], row["accepted"], row["champion"]) == ("not blessed", True, True)
    assert run_cli(["models", "list"]) == 0
    assert "accepted  champion" in capsys.readouterr().out
    assert run_cli(["models", "show", THIN]) == 0
    shown = capsys.readouterr().out
    assert f"evidence       {EVIDENCE.sentence}" in shown
    assert "accept by" in shown
    assert "enough to begin" in shown
    assert run_cli(["models", "accept", THIN, "--reason", "again"]) == 2
    assert "accepted already" in capsys.readouterr().err


def test_status_says_who_accepted_the_champion_or_what_the_next_step_is(
    refused: Shelf,
    migrated_database: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", migrated_database)
    assert run_cli(["status"]) == 0
    said = capsys.readouterr().out
    assert "none: no model may score" in said
    assert f"models accept {THIN} --reason WHY" in said
    assert run_cli(["models", "accept", THIN, "--reason", "enough to begin", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["transition"]["kind"], told["before"], told["after"]) == ("accept", None, THIN)
    assert Path(told["pushed_to"], "saved_model.pb").read_text() == THIN
    assert run_cli(["status"]) == 0
    said = capsys.readouterr().out
    assert f"champion     {THIN}" in said
    assert "accepted, not blessed: accept by" in said
    assert run_cli(["status", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["champion_accepted"]["reason"] == "enough to begin"
    assert told["next_step"] is None


def test_a_worse_one_a_damaged_one_and_no_reason_are_refused(
    refused: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judge(refused, WORSE, tmp_path / "others", replace(DECISION, unacceptable_because=BECAUSE))
    assert run_cli(["models", "accept", WORSE, "--reason", "please"]) == 2
    assert f"cannot be accepted: {BECAUSE}" in capsys.readouterr().err
    assert run_cli(["models", "show", WORSE]) == 0
    assert f"no, and nobody may accept it: {BECAUSE}" in capsys.readouterr().out
    assert "would not change the verdict" in next_step(refused.registry)
    assert run_cli(["models", "accept", THIN, "--reason", " "]) == 2
    assert "needs a reason in words" in capsys.readouterr().err
    model = Path(refused.registry.models()[1].uri, "Format-Serving", "saved_model.pb")
    model.write_text("another")
    assert run_cli(["models", "accept", THIN, "--reason", "enough"]) == 6
    assert "are not those that were exported" in capsys.readouterr().err
    assert refused.registry.transitions() == []
    assert not (tmp_path / "serving").exists()


def test_one_that_was_blessed_into_shadow_waits_for_its_promotion(sqlite_shelf: Shelf) -> None:
    described = {"model_version": THIN, "shadow": 1}
    sqlite_shelf.bless("run-1", sqlite_shelf.train(THIN, None), blessed=True, **described)
    assert sqlite_shelf.registry.champion() is None
    assert f"models promote {THIN}` lets it score" in next_step(sqlite_shelf.registry)
    assert run_cli(["models", "withdraw", THIN, "--reason", "too bad"]) == 0
    assert f"{THIN} is withdrawn" in next_step(sqlite_shelf.registry)


def test_what_cannot_be_copied_scores_all_the_same(
    refused: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "serving").write_text("no folder")
    assert run_cli(["models", "accept", THIN, "--reason", "enough"]) == 0
    said = capsys.readouterr().out
    assert f"Not copied to {tmp_path / 'serving' / 'churn'}: " in said
    assert "It scores all the same" in said
    assert refused.registry.champion() is not None


def test_the_folder_is_that_of_the_pusher_that_would_have_copied_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = "tens-insight-train/ModelTrainer/model/7"
    here = load_settings()
    assert serving_dir_of(f"{here.pipeline_root}/{made}", here) == str(here.serving_dir)
    assert serving_dir_of(f"gs://b/x/{made}", here) == "gs://b/x/serving/churn"
    monkeypatch.setenv("TENS_INSIGHT_KUBEFLOW_PIPELINE_ROOT", "/data/root")
    assert serving_dir_of(f"/data/root/{made}", load_settings()) == "/data/root/serving/churn"
    monkeypatch.setenv("TENS_INSIGHT_KUBEFLOW_SERVING_DIR", "/data/served")
    assert serving_dir_of(f"/data/root/{made}", load_settings()) == "/data/served"
