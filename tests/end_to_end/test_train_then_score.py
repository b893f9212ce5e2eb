import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pipeline.registry.registry import Registry
from tests.end_to_end.conftest import CANARY
from tests.end_to_end.reference import product_areas, raw_events
from tests.end_to_end.reviews import agrees_with_the_gate, counted, nodes

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="wiring")]

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def registry(installation, scored):
    return Registry(installation.state_dir / "metadata.sqlite")


def test_training_publishes_and_says_so(trained, installation):
    assert trained.code == 0, trained.err
    summary = trained.summary
    assert summary["outcome"] == "published"
    assert summary["gate"]["blessed"] is True
    (count,) = installation.query("SELECT count(*) FROM account_risk_scores")[0]
    assert summary["published"]["published_count"] == count > 200
    (areas,) = installation.query("SELECT count(*) FROM product_area_impact")[0]
    assert summary["areas"]["published_count"] == areas == 18
    assert f"Published {count} account scores and {areas} product areas." in trained.out
    assert "BLESSED: auc above chance is" in trained.out
    assert "estimated    AUC 0." in trained.out
    expected = summary["outcomes"]
    assert expected["estimated_auc_low"] < expected["estimated_auc_value"]
    challenger = summary["gate"]["metrics"]["challenger"]["auc"]
    assert summary["judged"]["auc"] == pytest.approx(challenger, abs=1e-3)
    told = {one["metric"]: one for one in trained.review["foreseen"]["metrics"]}
    assert told["auc"]["value"] == pytest.approx(expected["estimated_auc_value"], abs=1e-9)
    assert told["auc"]["at_the_gate"] == pytest.approx(challenger, abs=1e-9)
    for check in summary["gate"]["checks"]:
        assert check["name"] in trained.out
    assert summary["gate"]["calibration"]
    for risk in summary["highest"]:
        assert risk["account_id"] in trained.out


def test_the_rows_keep_the_contract(published_by_training, trained, installation):
    version = trained.summary["published"]["model_version"]
    assert version.startswith(f"{installation.as_of:%Y%m%d}-")
    for _, probability, health, category, predicted_at, model_version in published_by_training:
        assert 0 <= probability <= 1
        assert health == pytest.approx(100 * (1 - probability), abs=1e-9)
        bounds = {"low": (0, 0.25), "medium": (0.25, 0.5), "high": (0.5, 0.75)}
        low, high = bounds.get(category, (0.75, 1.1))
        assert low <= probability < high
        assert (predicted_at, model_version) == (installation.as_of, version)


def test_the_consumer_can_live_on_both_runs(consumer_after_training, consumer_after_scoring):
    assert consumer_after_training is None
    assert consumer_after_scoring is None


def test_everyone_alive_is_scored_and_nobody_else(published_by_training, installation):
    alive = installation.query(
        "SELECT account_id FROM feedback_enriched f WHERE account_id IS NOT NULL "
        "AND NOT EXISTS (SELECT FROM account_churn c WHERE c.account_id = f.account_id) "
        "GROUP BY account_id"
    )
    assert {row[0] for row in published_by_training} == {row[0] for row in alive}


def test_the_model_loaded_alone_gives_the_published_scores(
    published_by_training, trained, installation
):
    """Histories built in plain Python, straight from the table, through the REST signature."""
    model = tf.saved_model.load(trained.summary["pushed_to"])
    published = {row[0]: row[1] for row in published_by_training}
    accounts = sorted(published)[::10]
    answer = model.signatures["raw_events"](**raw_events(installation, accounts))
    found = [one.decode() for one in answer["account_id"].numpy()[:, 0]]
    assert found == accounts
    expected = [published[account] for account in accounts]
    np.testing.assert_allclose(answer["churn_probability"].numpy()[:, 0], expected, atol=1e-6)


def test_scoring_alone_gives_the_same_probabilities(
    published_by_training, published_by_scoring, scored, trained
):
    assert scored.code == 0, scored.err
    assert scored.summary["gate"] is None
    assert (
        scored.summary["published"]["model_version"]
        == (trained.summary["published"]["model_version"])
    )
    both = (published_by_scoring, published_by_training)
    accounts, before = ([row[0] for row in rows] for rows in both)
    assert accounts == before
    probabilities = [[row[1] for row in rows] for rows in both]
    np.testing.assert_allclose(*probabilities, atol=1e-6)


@pytest.mark.parametrize("run", ["training", "scoring"])
def test_product_areas_follow_the_rule(
    installation, areas_by_training, areas_by_scoring, trained, run
):
    """The rule of the contract in plain Python, from every row of the window."""
    published = {"training": areas_by_training, "scoring": areas_by_scoring}[run]
    feedback = installation.query(
        "SELECT product_area, customer_tier, sentiment, priority, created_at FROM feedback_enriched"
    )
    expected = product_areas(feedback, installation.as_of)
    assert {row[:2] for row in published} == set(expected)
    version = trained.summary["areas"]["weights_version"]
    for area, segment, score, *counts, predicted_at, model_version in published:
        assert score == pytest.approx(expected[area, segment][0], rel=0, abs=1e-9)
        assert counts == expected[area, segment][1:]
        assert (predicted_at, model_version) == (installation.as_of, version)


def test_the_first_product_areas_are_shown(trained, areas_by_training):
    by_score = sorted(areas_by_training, key=lambda row: -row[2])[:10]
    shown = trained.summary["top_areas"]
    assert [(row["product_area"], row["segment"]) for row in shown] == [row[:2] for row in by_score]
    for area, segment, *_ in by_score:
        assert f"{area} / {segment}" in trained.out


def test_the_ranking_counted_anew_is_the_published_one(installation, scored, areas_by_scoring):
    finished = installation.run("areas", "--json")
    assert finished.code == 0, finished.err
    found = {(row["product_area"], row["segment"]): row for row in finished.summary["areas"]}
    assert {row[:2]: row[2] for row in areas_by_scoring} == {
        pair: row["priority_score"] for pair, row in found.items()
    }


def test_a_version_names_one_model_and_leads_to_its_data(registry, trained):
    version = trained.summary["published"]["model_version"]
    (model,) = [m for m in registry.models() if m.properties.model_version == version]
    assert registry.champion().artifact_id == model.artifact_id
    assert model.properties.label_source == "account_churn"
    assert model.properties.eval_cutoffs == "2026-04-02T00:00:00+00:00"
    assert len(model.properties.code_version) == 12
    card = json.loads(
        tf.io.gfile.GFile(f"{model.uri}/Format-Serving/assets.extra/model_card.json").read()
    )
    assert card["model_version"] == version


def test_the_splits_are_recorded_with_dates_sizes_and_base_rates(trained, installation):
    data = trained.summary["data"]
    training = data["train_cutoffs"].split(",")
    assert training[-1] == (installation.as_of - 120 * DAY).isoformat()
    assert len(training) == 9
    (churned,) = installation.query(
        "SELECT count(DISTINCT c.account_id) FROM account_churn c WHERE churned_at >= %s AND "
        "churned_at < %s AND EXISTS (SELECT FROM feedback_enriched f WHERE "
        "f.account_id = c.account_id AND f.created_at < %s)",
        installation.as_of - 60 * DAY,
        installation.as_of,
        installation.as_of - 60 * DAY,
    )[0]
    assert data["eval_churned"] == churned
    assert data["eval_base_rate"] == pytest.approx(churned / data["eval_examples"], abs=1e-6)


def test_no_secret_anywhere(installation, trained, scored):
    canary = installation.canary.encode()
    for finished in (trained, scored):
        assert installation.canary not in finished.out + finished.err
    files = [path for path in installation.state_dir.rglob("*") if path.is_file()]
    assert len(files) > 50
    assert any(path.name == "metadata.sqlite" for path in files)
    assert any(path.suffix == ".log" for path in files)
    assert [path for path in files if canary in path.read_bytes()] == []


def test_no_feedback_text_leaves_the_database(installation, trained):
    ((text,),) = installation.query("SELECT summary FROM feedback_enriched LIMIT 1")
    plain = [p for p in installation.state_dir.rglob("*") if p.is_file() and p.suffix != ".gz"]
    assert [path for path in plain if text.encode() in path.read_bytes()] == []
    for path in installation.state_dir.rglob("Split-*/*.gz"):
        for record in tf.data.TFRecordDataset(str(path), "GZIP").take(50).as_numpy_iterator():
            assert text.encode() not in record


ADDED_UP = """
SELECT count(*), count(reasons), min(jsonb_array_length(reasons)),
       max(abs(base_log_odds + other_log_odds
               + (SELECT sum((reason ->> 'log_odds')::float8)
                  FROM jsonb_array_elements(reasons) AS reason)
               - ln(churn_probability / (1 - churn_probability))))
FROM tens_insight.account_risk_details"""


def test_every_score_has_its_details_and_reasons_that_add_up(installation, trained, scored):
    (count,) = installation.query("SELECT count(*) FROM account_risk_scores")[0]
    rows, with_reasons, fewest, gap = installation.query(ADDED_UP)[0]
    assert rows == with_reasons == count
    assert fewest >= 1
    assert gap < 1e-3
    assert trained.summary["published"]["risk_bands_mode"] == "probability"
    account = trained.summary["highest"][0]["account_id"]
    shown = installation.run("account", account)
    assert shown.code == 0, shown.err
    assert "What raises the risk" in shown.out
    assert CANARY not in shown.out


PARTS = """
SELECT count(*), count(DISTINCT publication_id),
       max(abs(base_log_odds + (SELECT sum(one) FROM unnest(log_odds) AS one)
               - ln(churn_probability / (1 - churn_probability))))
FROM tens_insight.account_score_parts"""


def test_what_scores_are_made_of_is_kept_and_the_change_is_divided(installation, trained, scored):
    rows, publications, gap = installation.query(PARTS)[0]
    runs = installation.query(
        "SELECT sum(accounts), count(*), max(mean_probability) - min(mean_probability) "
        "FROM tens_insight.score_publications WHERE NOT undone"
    )
    assert (rows, publications) == runs[0][:2]
    assert gap < 1e-4
    changes = installation.query("SELECT sum(change) FROM tens_insight.score_changes")
    assert abs(changes[0][0]) == pytest.approx(runs[0][2], abs=1e-6)
    account = trained.summary["highest"][0]["account_id"]
    shown = installation.run("account", account)
    assert "What moved it since" in shown.out
    assert installation.run("movers", "--since", "2000-01-01").code == 0


CHECKED = """
SELECT drift.metric, drift.value, profile.value, drift.usual_low, drift.usual_high, drift.alarm,
       drift.baseline, drift.compared_with
FROM tens_insight.drift_metrics AS drift
JOIN tens_insight.profile_metrics AS profile
     USING (run_id, slice_key, slice_value, column_name, metric)
WHERE drift.statistic = 'limit' AND run_id = %s"""


@pytest.mark.parametrize("which", ["training", "scoring"])
def test_the_monitor_says_what_the_data_checks_said(installation, trained, scored, which):
    """Figure, limit and verdict; the baseline is what the champion learnt from."""
    summary = {"training": trained, "scoring": scored}[which].summary
    checks = {one["name"]: one for one in summary["data_gate"]["checks"]}
    rows = installation.query(CHECKED, summary["run_id"])
    assert len(rows) > 30
    for name, value, kept, low, high, alarm, baseline, compared in rows:
        one = checks[name]
        assert (value, kept, low, high) == (*[one["found"]] * 2, one["low"], one["high"]), name
        assert alarm is (one["verdict"] == "warned")
        if baseline == "training":
            assert compared == summary["published"]["model_version"]
    compared = {name for name, *_, baseline, _ in rows if baseline == "training"}
    assert "score: unseen event_source" in compared
    assert len(compared) > 20
    same = installation.query(
        "SELECT metric, value FROM tens_insight.profile_metrics "
        "WHERE run_id = %s AND column_name NOT LIKE '%% checks' AND metric = ANY(%s)",
        summary["run_id"],
        list(checks),
    )
    assert dict(same) == {name: checks[name]["found"] for name, _ in same}
    assert "days since the newest feedback" in dict(same)


def test_the_report_is_of_this_run(trained, published_by_training, registry):
    review = trained.review
    assert review["missing"] == []
    assert review["decision"]["kind"] == "blessed"
    agrees_with_the_gate(review, trained.summary["gate"])
    assert set(nodes(review).values()) == {"done"}
    assert {"FeedbackExampleGen", "ModelGate", "AccountScorer", "ProductAreaScorer"} <= (
        nodes(review).keys()
    )
    assert "ModelReview" not in nodes(review)
    scores = review["accounts"]
    assert (scores["published"], scores["before"]) == (True, None)
    assert scores["after"]["categories"] == counted(published_by_training)
    mean = np.mean([row[1] for row in published_by_training])
    assert scores["after"]["mean_probability"] == pytest.approx(mean, abs=1e-6)
    (found,) = [one for one in registry.reviews() if trained.summary["report"].startswith(one.uri)]
    assert found.properties.outcome == "blessed"
    assert found.properties.model_version == trained.summary["published"]["model_version"]


def test_status_tells_the_truth(installation, scored, trained):
    finished = installation.run("status", "--json")
    assert finished.code == 0
    state = finished.summary
    assert state["champion"]["model_version"] == trained.summary["published"]["model_version"]
    oldest = [run["kind"] for run in state["runs"][-2:]]
    assert oldest == ["score", "train"]
    assert {run["state"] for run in state["runs"]} == {"complete"}
    run_ids = {finished.summary["run_id"] for finished in (trained, scored)}
    assert run_ids <= {run["run_id"] for run in state["runs"]}
    published = installation.query("SELECT DISTINCT run_id FROM tens_insight.publications")
    assert run_ids <= {run_id for (run_id,) in published}
    recorded = installation.query("SELECT run_id FROM tens_insight.runs WHERE exit_code = 0")
    assert run_ids <= {run_id for (run_id,) in recorded}
    assert all(Path(run["log"]).stat().st_size for run in state["runs"])
    assert state["tables"]["scores"]["as_published"]
    assert state["tables"]["areas"]["as_published"]
    assert state["details"] == state["scores"]
    assert state["scores"] == trained.summary["published"]["published_count"]
    assert state["areas"] == trained.summary["areas"]["published_count"]


def test_standard_error_holds_progress_and_nothing_else(trained):
    first_words = [line.split()[0] for line in trained.err.splitlines()]
    steps = [word for word in first_words if word != "warning:"]
    assert steps[:3] == ["Checking", "Loading", "FeedbackExampleGen"]
    assert len(steps) == 23, trained.err
    assert steps[-2:] == ["ModelReview", "Summary"]
    assert "ProductAreaScorer" in steps
    assert "\x1b" not in trained.err + trained.out
