"""The evaluation report on real artifacts: whatever is known is written, and nothing secret."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from tfx.types import standard_artifacts

from components.data_checker.checks import STOPPED, Check
from components.data_checker.decision_file import write_checks
from components.model_review import build_report as gathering
from components.model_review.review import VERSION, Review
from components.model_review.sections.decision import Decision, Head
from components.registry.artifacts import DataGateDecision
from components.registry.model_properties import ModelProperties, ReviewProperties
from components.registry.node_costs import FAILED, NodeCost, write_costs
from components.verdicts import PASSED
from serving_model.served.interface import SERVING
from serving_model.served.model_card import write_card
from serving_model.served.risk import CATEGORIES
from tests.components.model_review.conftest import CANARY, RUN_ID
from tests.components.model_review.publications import publish_scores, query
from tests.components.sample_properties import examples_properties

pytestmark = pytest.mark.xdist_group(name="judged")

Write = Callable[..., Any]


@pytest.mark.slow
def test_nothing_is_missing_of_a_run_that_came_to_its_end(complete: SimpleNamespace) -> None:
    found = complete.json
    # No DataChecker ran before it, and no runner that writes down what nodes take.
    assert set(dict(found["missing"])) == {"data_checks", "components"}
    assert found["version"] == VERSION
    assert found["decision"]["kind"] == "blessed"
    assert found["decision"]["sentence"] == complete.decision["summary"]
    assert found["head"]["run_id"] == RUN_ID
    assert found["head"]["model_version"] == "20260601-challenger"
    assert found["head"]["champion_version"] == "20260601-champion"
    facts = ReviewProperties.read(complete.artifact).as_json()
    assert facts == {
        "outcome": "blessed",
        "model_version": "20260601-challenger",
        "as_of": "2026-06-01T00:00:00+00:00",
    }
    assert sorted(path.name for path in complete.folder.iterdir()) == ["review.html", "review.json"]


@pytest.mark.slow
def test_the_numbers_are_those_of_the_gate(complete: SimpleNamespace) -> None:
    found, decision = complete.json, complete.decision
    assert found["checks"] == decision["checks"]
    head = found["head"]
    assert (head["accounts"], head["churned"]) == (
        decision["eval"]["accounts"],
        decision["eval"]["churned"],
    )
    measured = {one["model"]: one for one in found["performance"]["metrics"]}
    assert list(measured) == list(decision["metrics"])
    for model, expected in decision["metrics"].items():
        for name in ("auc", "pr_auc", "log_loss", "calibration_error"):
            assert measured[model]["metrics"][name]["value"] == expected[name]
        assert measured[model]["mean_predicted"] == expected["mean_predicted"]
    checks = {(one["slice"], one["name"]): one for one in decision["checks"]}
    own = measured["challenger"]
    assert own["metrics"]["auc"]["interval"] == checks["overall", "auc above chance"]["interval"]
    assert found["calibration"]["error"]["value"] == checks["overall", "calibration error"]["value"]
    for decile, expected in zip(
        found["calibration"]["deciles"], decision["calibration"], strict=True
    ):
        assert {name: decile[name] for name in expected} == expected
    for one, expected in zip(found["slices"], decision["slices"], strict=True):
        assert (one["name"], one["accounts"]) == (expected["slice"], expected["accounts"])
        if "skipped" not in expected:
            assert one["auc"]["value"] == expected["auc"]
            assert one["auc"]["interval"] == checks[one["name"], "auc"]["interval"]


@pytest.mark.slow
def test_the_numbers_are_those_of_every_account(complete: SimpleNamespace) -> None:
    """From predictions.parquet, by scikit-learn."""
    frame = complete.predictions
    labels = frame["churned"]
    for measured in complete.json["performance"]["metrics"]:
        answers = frame[measured["model"]]
        assert measured["metrics"]["auc"]["value"] == pytest.approx(roc_auc_score(labels, answers))
        expected = average_precision_score(labels, answers)
        assert measured["metrics"]["pr_auc"]["value"] == pytest.approx(expected)
        assert measured["metrics"]["log_loss"]["value"] == pytest.approx(log_loss(labels, answers))
    gains = complete.json["gains"]
    assert (gains["accounts"], gains["churned"]) == (len(frame), labels.sum())
    ordered = frame.sort_values("challenger", ascending=False)["churned"].cumsum()
    enough = int(np.argmax(2 * ordered.to_numpy() >= labels.sum())) + 1
    assert gains["contacts_for_half"][0] == {
        "model": "challenger",
        "accounts": enough,
        "share": enough / len(frame),
    }


@pytest.mark.slow
def test_what_stands_is_what_the_table_holds(
    complete: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", complete.url)
    accounts = complete.json["accounts"]
    counts = dict(
        query("SELECT risk_category, count(*) FROM account_risk_scores GROUP BY risk_category")
    )
    assert dict(accounts["before"]["categories"]) == dict.fromkeys(CATEGORIES, 0) | counts
    assert accounts["published"] is False
    assert accounts["common"] == accounts["after"]["accounts"] == sum(counts.values()) > 300
    assert (accounts["appeared"], accounts["vanished"]) == (0, 0)
    moved = {one["account_id"]: one["before"] for one in accounts["largest_changes"]}
    rows = dict(query("SELECT account_id, churn_probability FROM account_risk_scores"))
    assert len(moved) == 20
    assert moved == {account: rows[account] for account in moved}


@pytest.mark.slow
def test_no_secret_is_in_any_file(complete: SimpleNamespace) -> None:
    files = [path for path in complete.folder.parent.rglob("*") if path.is_file()]
    assert len(files) == 4
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []
    assert CANARY not in str(complete.artifact)


@pytest.mark.slow
def test_the_copies_are_the_report(complete: SimpleNamespace) -> None:
    stem = "2026-06-01T000000-20260601-challenger"
    copies = {path.name: path for path in (complete.copies / "here").iterdir()}
    assert copies.keys() == {f"{stem}.html", f"{stem}.json"}
    for kind in ("html", "json"):
        written = (complete.folder / f"review.{kind}").read_bytes()
        assert copies[f"{stem}.{kind}"].read_bytes() == written


def examples(folder: Path) -> Any:
    made = standard_artifacts.Examples()
    made.uri = str(folder)
    examples_properties(as_of="2026-06-01T12:30:00+00:00").write(made)
    return made


def test_of_a_run_that_left_nothing_it_says_that_it_failed(review: Write, tmp_path: Path) -> None:
    costs = [NodeCost("FeedbackExampleGen", FAILED, 2.5, 800.0)]
    write_costs(str(tmp_path), RUN_ID, costs)
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies").chmod(0o750)
    written = review({}, review_dir=str(tmp_path / "copies"))
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "copies").iterdir()} == {0o640}
    found = written.json
    assert found["decision"]["kind"] == "failed"
    assert found["decision"]["sentence"].startswith("FeedbackExampleGen failed: ")
    (failed,) = costs
    assert found["components"] == [
        {name: value for name, value in asdict(failed).items() if name != "reason"}
    ]  # the sentence above has the reason, without what may be in it
    assert found["performance"] is found["accounts"] is None
    assert set(dict(found["missing"])) == {
        *("performance", "calibration", "gains", "slices", "importance", "contributions"),
        *("accounts", "data_facts", "splits", "card", "data_checks"),
        *("horizons", "thresholds", "first_accounts"),
    }
    assert ReviewProperties.read(written.artifact) == ReviewProperties(outcome="failed")
    page = (written.folder / "review.html").read_text(encoding="utf-8")
    assert "FeedbackExampleGen failed: " in page
    assert gathering.NO_MODEL in page
    names = sorted(path.name for path in (tmp_path / "copies").iterdir())
    assert names == [f"2026-06-01T070000.123456.{kind}" for kind in ("html", "json")]


def test_of_a_stopped_run_it_says_what_stopped_it(review: Write, tmp_path: Path) -> None:
    decision = DataGateDecision()
    decision.uri = str(tmp_path / "checks")
    checks = [
        Check("eval: accounts", "size", ("eval",), 300, ">= 200", PASSED, "300 accounts."),
        Check("eval: churned", "size", ("eval",), 3, ">= 20", STOPPED, "Only 3 churned."),
    ]
    write_checks(decision, checks)
    written = review({"data_decision": decision, "examples": examples(tmp_path)})
    found = written.json
    assert "Only 3 churned." in (written.folder / "review.html").read_text(encoding="utf-8")
    assert found["decision"]["kind"] == "stopped by the data gate"
    assert found["decision"]["sentence"] == "Only 3 churned."
    assert [(one["name"], one["verdict"]) for one in found["data_checks"]] == [
        ("eval: accounts", "passed"),
        ("eval: churned", "stopped"),
    ]
    assert found["head"]["model_version"] is None
    assert found["checks"] == []
    missing = dict(found["missing"])
    assert missing["performance"] == gathering.NOT_JUDGED
    assert missing["accounts"] == gathering.NO_MODEL
    assert ReviewProperties.read(written.artifact).as_json() == {
        "outcome": "stopped by the data gate",
        "as_of": "2026-06-01T12:30:00+00:00",
    }


class Broken(tf.Module):
    """A model whose every answer is no number."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        ids = tf.io.parse_example(examples, {"account_id": tf.io.FixedLenFeature([], tf.string)})
        accounts = ids["account_id"][:, None]
        return {"account_id": accounts, "churn_probability": tf.fill(tf.shape(accounts), np.nan)}


@pytest.fixture
def broken(tmp_path: Path) -> dict[str, Any]:
    """What a run leaves whose gate could not judge such a model."""
    model = standard_artifacts.Model()
    model.uri = str(tmp_path / "model")
    module = Broken()
    folder = f"{model.uri}/Format-Serving"
    tf.saved_model.save(module, folder, signatures={SERVING: module.serve})
    write_card(folder, {"model_version": "broken-1", "calibrated_base_rate": 0.1})
    ModelProperties(model_version="broken-1").write(model)
    (tmp_path / "Split-score").mkdir()
    one = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"ACC-1"]))
    example = tf.train.Example(features=tf.train.Features(feature={"account_id": one}))
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    with tf.io.TFRecordWriter(str(tmp_path / "Split-score" / "one.gz"), options) as writer:
        writer.write(example.SerializeToString())
    return {"model": model, "examples": examples(tmp_path)}


def test_a_model_that_cannot_be_judged_takes_nothing_else_down(
    review: Write, broken: dict[str, Any], tmp_path: Path, migrated_database: str
) -> None:
    publish_scores("old", 0, {"ACC-1": 0.2})
    write_costs(str(tmp_path), RUN_ID, [NodeCost("ModelGate", FAILED, 1.0)])
    found = review(broken).json
    missing = dict(found["missing"])
    assert "'ACC-1' is nan" in missing["accounts"]
    assert "expected 'explain' too" in missing["contributions"]
    # Without a Transform graph nothing can be shuffled; that was not foreseen.
    assert missing["importance"] == "KeyError: the log of the run says more."
    assert found["decision"]["sentence"].startswith("ModelGate failed: ")
    assert found["head"]["model_version"] == "broken-1"
    assert found["data_facts"][0] == {"name": "rows of feedback", "value": "1,000"}


def test_without_a_database_the_rest_is_written(
    review: Write, broken: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://me:{CANARY}@127.0.0.1:1/goinsight")
    written = review(broken, database_patience_seconds=0)
    assert "127.0.0.1" in dict(written.json["missing"])["accounts"]
    assert written.json["head"]["model_version"] == "broken-1"
    for path in written.folder.iterdir():
        assert CANARY not in path.read_text(encoding="utf-8")


def test_accounts_are_named_only_if_they_may_be(
    review: Write, decided: SimpleNamespace, migrated_database: str
) -> None:
    publish_scores("old", 0, {f"ACC-{number:06d}": 0.2 for number in range(3_000)})
    names = ("model", "examples")
    written = review({name: decided.inputs[name] for name in names}, review_accounts=False)
    accounts = written.json["accounts"]
    assert accounts["common"] > 300
    assert (accounts["largest_changes"], accounts["accounts_shown"]) == ([], False)
    for path in written.folder.iterdir():
        assert "ACC-0" not in path.read_text(encoding="utf-8")


def test_a_folder_that_takes_no_copy_does_not_cost_the_report(
    review: Write, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    written = review({}, review_dir=str(tmp_path / "file" / "copies"))
    assert written.json["decision"]["kind"] == "failed"
    problem = ReviewProperties.read(written.artifact).copy_problem or ""
    assert problem.startswith(f"no copy of the evaluation report at {tmp_path}/file/copies/")
    assert problem.endswith("file is not a directory")


def test_the_json_holds_the_review_and_no_nan() -> None:
    head = Head("r", None, None, "", "", None, None, "", None, None)
    nan = float("nan")
    text = Review(head, Decision("failed", "Ünïcödé", "</script>"), missing=(("x", nan),)).as_json()  # type: ignore[arg-type]
    found = json.loads(text, parse_constant=pytest.fail)
    assert found["missing"] == [["x", None]]
    assert found["decision"] == {
        "kind": "failed",
        "sentence": "Ünïcödé",
        "consequence": "</script>",
        "way_out": "",
    }
    assert found["head"] == asdict(head)
    assert list(found) == ["version", *Review.__dataclass_fields__]
