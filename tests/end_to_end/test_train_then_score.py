import contextlib
import json
from datetime import timedelta
from itertools import groupby

import numpy as np
import psycopg2
import pytest
import tensorflow as tf

from pipeline.registry import Registry

pytestmark = pytest.mark.slow

LOOKBACK = timedelta(days=180)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def registry(house, scored):
    return Registry(house.state_dir / "metadata.sqlite")


def test_training_publishes_and_says_so(trained, house):
    assert trained.code == 0, trained.err
    summary = trained.summary
    assert summary["outcome"] == "published"
    assert summary["gate"]["blessed"] is True
    (count,) = house.query("SELECT count(*) FROM account_risk_scores")[0]
    assert summary["published"]["published_count"] == count > 200
    (areas,) = house.query("SELECT count(*) FROM product_area_impact")[0]
    assert summary["areas"]["published_count"] == areas == 18
    assert f"Published {count} account scores and {areas} product areas." in trained.out
    assert "BLESSED: auc above chance is" in trained.out
    for check in summary["gate"]["checks"]:
        assert check["name"] in trained.out
    assert summary["gate"]["calibration"]
    for risk in summary["highest"]:
        assert risk["account_id"] in trained.out


def test_the_rows_keep_the_contract(published_by_training, trained, house):
    version = trained.summary["published"]["model_version"]
    assert version.startswith(f"{house.as_of:%Y%m%d}-")
    for _, probability, health, category, predicted_at, model_version in published_by_training:
        assert 0 <= probability <= 1
        assert health == pytest.approx(100 * (1 - probability), abs=1e-9)
        bounds = {"low": (0, 0.25), "medium": (0.25, 0.5), "high": (0.5, 0.75)}
        low, high = bounds.get(category, (0.75, 1.1))
        assert low <= probability < high
        assert (predicted_at, model_version) == (house.as_of, version)


def test_everyone_alive_is_scored_and_nobody_else(published_by_training, house):
    alive = house.query(
        "SELECT account_id FROM feedback_enriched f WHERE account_id IS NOT NULL "
        "AND NOT EXISTS (SELECT FROM account_churn c WHERE c.account_id = f.account_id) "
        "GROUP BY account_id"
    )
    assert {row[0] for row in published_by_training} == {row[0] for row in alive}


def test_the_model_loaded_alone_gives_the_published_scores(published_by_training, trained, house):
    """Histories built in plain Python, straight from the table, through the REST signature."""
    model = tf.saved_model.load(trained.summary["pushed_to"])
    published = {row[0]: row[1] for row in published_by_training}
    accounts = sorted(published)[::10]
    answer = model.signatures["raw_events"](**_raw_events(house, accounts))
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
def test_product_areas_follow_the_rule(house, areas_by_training, areas_by_scoring, trained, run):
    """The rule of the contract in plain Python, from every row of the window."""
    published = {"training": areas_by_training, "scoring": areas_by_scoring}[run]
    feedback = house.query(
        "SELECT product_area, customer_tier, sentiment, priority, created_at FROM feedback_enriched"
    )
    expected = _product_areas(feedback, house.as_of)
    assert {row[:2] for row in published} == set(expected)
    version = trained.summary["areas"]["weights_version"]
    for area, segment, score, *counts, predicted_at, model_version in published:
        assert score == pytest.approx(expected[area, segment][0], rel=0, abs=1e-9)
        assert counts == expected[area, segment][1:]
        assert (predicted_at, model_version) == (house.as_of, version)


def test_the_first_product_areas_are_shown(trained, areas_by_training):
    by_score = sorted(areas_by_training, key=lambda row: -row[2])[:10]
    shown = trained.summary["top_areas"]
    assert [(row["product_area"], row["segment"]) for row in shown] == [row[:2] for row in by_score]
    for area, segment, *_ in by_score:
        assert f"{area} / {segment}" in trained.out


def test_the_ranking_counted_anew_is_the_published_one(house, scored, areas_by_scoring):
    finished = house.run("areas", "--json")
    assert finished.code == 0, finished.err
    found = {(row["product_area"], row["segment"]): row for row in finished.summary["areas"]}
    assert {row[:2]: row[2] for row in areas_by_scoring} == {
        pair: row["priority_score"] for pair, row in found.items()
    }


def test_a_version_names_one_model_and_leads_to_its_data(registry, trained):
    version = trained.summary["published"]["model_version"]
    (model,) = [m for m in registry.models() if m.facts.get("model_version") == version]
    assert registry.champion().artifact_id == model.artifact_id
    assert model.facts["label_source"] == "account_churn"
    assert model.facts["eval_cutoffs"] == "2026-04-02T00:00:00+00:00"
    assert len(model.facts["code_version"]) == 12
    card = json.loads(
        tf.io.gfile.GFile(f"{model.uri}/Format-Serving/assets.extra/model_card.json").read()
    )
    assert card["model_version"] == version


def test_the_splits_are_recorded_with_dates_sizes_and_base_rates(trained, house):
    data = trained.summary["data"]
    training = data["train_cutoffs"].split(",")
    assert training[-1] == (house.as_of - 120 * DAY).isoformat()
    assert len(training) == 9
    (churned,) = house.query(
        "SELECT count(DISTINCT c.account_id) FROM account_churn c WHERE churned_at >= %s AND "
        "churned_at < %s AND EXISTS (SELECT FROM feedback_enriched f WHERE "
        "f.account_id = c.account_id AND f.created_at < %s)",
        house.as_of - 60 * DAY,
        house.as_of,
        house.as_of - 60 * DAY,
    )[0]
    assert data["eval_churned"] == churned
    assert data["eval_base_rate"] == pytest.approx(churned / data["eval_snapshots"], abs=1e-6)


def test_no_secret_anywhere(house, trained, scored):
    canary = house.canary.encode()
    for finished in (trained, scored):
        assert house.canary not in finished.out + finished.err
    files = [path for path in house.state_dir.rglob("*") if path.is_file()]
    assert len(files) > 50
    assert any(path.name == "metadata.sqlite" for path in files)
    assert any(path.suffix == ".log" for path in files)
    assert [path for path in files if canary in path.read_bytes()] == []


def test_no_feedback_text_leaves_the_database(house, trained):
    ((text,),) = house.query("SELECT summary FROM feedback_enriched LIMIT 1")
    plain = [p for p in house.state_dir.rglob("*") if p.is_file() and p.suffix != ".gz"]
    assert [path for path in plain if text.encode() in path.read_bytes()] == []
    for path in house.state_dir.rglob("Split-*/*.gz"):
        for record in tf.data.TFRecordDataset(str(path), "GZIP").take(50).as_numpy_iterator():
            assert text.encode() not in record


def test_status_tells_the_truth(house, scored, trained):
    finished = house.run("status", "--json")
    assert finished.code == 0
    state = finished.summary
    assert state["champion"]["model_version"] == trained.summary["published"]["model_version"]
    oldest = [run["pipeline"] for run in state["runs"][-2:]]
    assert oldest == ["tens-insight-score", "tens-insight-train"]
    assert {run["state"] for run in state["runs"]} == {"complete"}
    assert state["scores"] == trained.summary["published"]["published_count"]


def test_standard_error_holds_progress_and_nothing_else(trained):
    steps = [line.split()[0] for line in trained.err.splitlines()]
    assert steps[:3] == ["Loading", "FeedbackExampleGen", "ImportSchemaGen"]
    assert len(steps) == 16, trained.err
    assert "ProductAreaScorer" in steps
    assert "\x1b" not in trained.err + trained.out


def test_training_again_gives_the_same_model_to_1e_6(
    house, published_by_training, published_by_scoring, trained, settings_for_small_worlds
):
    again = house.run("run", "train", "--json", **settings_for_small_worlds)
    assert again.code == 0, again.err
    versions = [run.summary["published"]["model_version"] for run in (trained, again)]
    assert versions[0] != versions[1]
    rows = house.query("SELECT * FROM account_risk_scores ORDER BY account_id")
    probabilities = [[row[1] for row in found] for found in (rows, published_by_training)]
    np.testing.assert_allclose(*probabilities, atol=1e-6)
    checks = [check["name"] for check in again.summary["gate"]["checks"]]
    assert {"auc against the champion", "evaluator: auc against the champion"} <= set(checks)


def _product_areas(rows, as_of):
    """Returns {(area, segment): [score, rows, average sentiment, negative, critical]}."""
    pairs = {}
    for area, segment, sentiment, priority, created_at in rows:
        if as_of - 90 * DAY <= created_at < as_of:
            pairs.setdefault((area, segment), []).append((sentiment, priority, created_at))
    signals = [
        (0.15, lambda own: len(own)),
        (0.25, lambda own: sum(sentiment == "negative" for sentiment, _, _ in own)),
        (0.20, lambda own: sum(priority >= 4 for _, priority, _ in own)),
        (0.15, lambda own: sum(priority == 5 for _, priority, _ in own)),
        (0.10, lambda own: sum(at >= as_of - 7 * DAY for _, _, at in own)),
    ]
    scores = {pair: 0.15 * (pair[1] == "enterprise") for pair in pairs}
    for weight, count in signals:
        counts = {pair: count(own) for pair, own in pairs.items()}
        low, high = min(counts.values()), max(counts.values())
        for pair in pairs:
            level = 0.5 if low == high else (counts[pair] - low) / (high - low)
            scores[pair] += weight * level
    found = {}
    for pair, own in pairs.items():
        negative = sum(sentiment == "negative" for sentiment, _, _ in own)
        positive = sum(sentiment == "positive" for sentiment, _, _ in own)
        average = (positive - negative) / (len(own) + 1)
        critical = sum(priority >= 4 for _, priority, _ in own)
        found[pair] = [100 * scores[pair], len(own), average, negative, critical]
    return found


def _raw_events(house, accounts):
    with contextlib.closing(psycopg2.connect(house.admin_url)) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT account_id, created_at, sentiment, priority, product_area, source, topic, "
            "customer_tier, region FROM feedback_enriched WHERE account_id = ANY(%s) "
            "AND created_at < %s ORDER BY account_id, created_at, hashtextextended(id, 0)",
            (accounts, house.as_of),
        )
        rows = cursor.fetchall()
    histories = [list(group) for _, group in groupby(rows, key=lambda row: row[0])]
    recent = [
        [row for row in rows if row[1] >= house.as_of - LOOKBACK][-500:] for rows in histories
    ]
    width = max(len(rows) for rows in recent)

    def ages(rows):
        return [(house.as_of - row[1]) / DAY for row in rows]

    def padded(value_of, filler):
        return [[value_of(row) for row in rows] + [filler] * (width - len(rows)) for rows in recent]

    def count(rows, *sentiments):
        return float(sum(row[2] in sentiments for row in rows))

    every = ("negative", "neutral", "positive")
    raw = {
        "account_id": [rows[0][0] for rows in histories],
        "customer_tier": [rows[-1][7] for rows in histories],
        "region": [rows[-1][8] for rows in histories],
        "cutoff": np.full(len(histories), int(house.as_of.timestamp())),
        "tenure_days": np.float32([ages(rows)[0] for rows in histories]),
        "days_since_last_event": np.float32([ages(rows)[-1] for rows in histories]),
        "lifetime_count": np.float32([count(rows, *every) for rows in histories]),
        **{
            f"lifetime_{name}_count": np.float32([count(rows, name) for rows in histories])
            for name in every
        },
        "event_age_days": np.float32(padded(lambda row: (house.as_of - row[1]) / DAY, -1.0)),
        "event_priority": np.int64(padded(lambda row: row[3], 0)),
    }
    columns = {"sentiment": 2, "product_area": 4, "source": 5, "topic": 6}
    for name, index in columns.items():
        raw[f"event_{name}"] = padded(lambda row, index=index: row[index], "")
    return {name: tf.constant(value) for name, value in raw.items()}
