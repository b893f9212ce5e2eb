"""From Examples and a champion to the published table: all of it, or nothing."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import tensorflow as tf

from components.account_scorer import inference
from components.account_scorer.config import AccountScorerConfig
from components.account_scorer.executor import Executor
from components.account_scorer.inference import read_scores
from components.errors import NothingToPublish, PublicationRefused
from components.registry.artifacts import PublishedScores
from components.registry.published_properties import PublishedScoresProperties
from tests.components.exec_properties import exec_properties

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
CONFIG = AccountScorerConfig(max_mean_shift=0.5, max_category_shift=1.0, max_moved_share=1.0)
LIFTS = {"risk_bands": "lift", "risk_lifts": (2, 3, 6)}
ODD = ["ACC-1", "Ü-ß", "日本", "😀", 'a"b', "a\nb", "a\tb", "\\N", "\\", " ", "e\u0301", "é", "NA"]

Tables = Any
Make = Callable[..., Any]


@pytest.fixture
def score(
    beam_executor: Make, write_examples: Make, model: Any, tmp_path: Path
) -> Callable[..., Any]:
    """Reads the database, scores everyone and publishes; returns the scores' artifact."""

    def run(champion: Any = model, rows_per_bucket: int = 1_000_000, **changes: Any) -> Any:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        examples = write_examples(
            folder / "examples",
            splits=["score"],
            label_source="account_churn",
            rows_per_bucket=rows_per_bucket,
        )
        scores = PublishedScores()
        scores.uri = str(folder / "scores")
        inputs = {"examples": [examples]} | ({"model": [champion]} if champion else {})
        properties = exec_properties(replace(CONFIG, **changes))
        beam_executor(Executor).Do(inputs, {"scores": [scores]}, properties)
        return scores

    return run


@pytest.fixture
def accounts(feedback: Tables) -> dict[str, float]:
    """Accounts of odd names; returns the probability that each must get."""
    silence = {account: 5.0 + 6 * number for number, account in enumerate(ODD)}
    feedback.add(
        {"account_id": account, "created_at": AS_OF - timedelta(days=days)}
        for account, days in silence.items()
    )
    feedback.churn([("nobody", AS_OF - timedelta(days=1))])
    return {account: days / 100 for account, days in silence.items()}


def published(feedback: Tables) -> dict[str, tuple[Any, ...]]:
    rows = feedback.execute(
        "SELECT account_id, churn_probability, health_score, risk_category, predicted_at, "
        "model_version FROM account_risk_scores"
    )
    return {account: tuple(rest) for account, *rest in rows}


def category(probability: float) -> str:
    return ("low", "medium", "high", "critical")[int(probability * 4)]


def test_everyone_is_published(
    feedback: Tables, accounts: dict[str, float], score: Callable[..., Any]
) -> None:
    scores = score()
    rows = published(feedback)
    assert rows.keys() == accounts.keys()
    for account, expected in accounts.items():
        probability, health, risk, predicted_at, version = rows[account]
        assert probability == pytest.approx(expected, rel=1e-6)
        assert health == pytest.approx(100 * (1 - expected), rel=1e-6)
        assert (risk, predicted_at) == (category(expected), AS_OF)
        assert version == "20240601-abcdef01"
    facts = PublishedScoresProperties.read(scores).as_json()
    assert facts.pop("mean_probability") == pytest.approx(sum(accounts.values()) / len(accounts))
    assert datetime.fromisoformat(facts.pop("published_at")).utcoffset() == timedelta(0)
    risks = [category(expected) for expected in accounts.values()]
    assert facts == {
        "as_of": AS_OF.isoformat(),
        "model_version": "20240601-abcdef01",
        "publication_id": 1,
        "published_count": len(ODD),
        "removed_count": 0,
        "risk_bands": "probability: medium from 0.25, high from 0.50, critical from 0.75",
        "risk_bands_mode": "probability",
        **{f"category_{one}": risks.count(one) for one in ("low", "medium", "high", "critical")},
    }
    log = feedback.execute(
        "SELECT as_of, model_version, label_source, feedback_rows, run_id "
        "FROM tens_insight.publications"
    )
    assert log == [(AS_OF, "20240601-abcdef01", "account_churn", len(ODD), "run-of-the-test")]


def test_shards_and_batches_change_nothing(
    feedback: Tables,
    accounts: dict[str, float],
    score: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = dict(_scores(score()))
    table = published(feedback)
    monkeypatch.setattr(inference, "_BATCH", 2)
    scores = score(rows_per_bucket=1)
    shards = list(Path(scores.uri).iterdir())
    assert len(shards) == len(ODD)
    # More buckets than accounts in use: some shards hold nobody.
    assert 0 in [pyarrow.parquet.read_table(shard).num_rows for shard in shards]
    assert dict(_scores(scores)) == whole
    assert published(feedback) == table


def _scores(scores: Any) -> list[tuple[str, float]]:
    return [
        pair
        for ids, probabilities in read_scores(scores.uri)
        for pair in zip(ids, probabilities.tolist(), strict=True)
    ]


def test_a_probability_that_is_none_publishes_nothing(
    feedback: Tables, accounts: dict[str, float], score: Callable[..., Any]
) -> None:
    score()
    before = published(feedback)
    feedback.add([{"account_id": "nan"}])
    with pytest.raises(PublicationRefused, match="Nothing was published.*'nan' is nan"):
        score()
    assert published(feedback) == before
    assert feedback.execute("SELECT count(*) FROM tens_insight.publications") == [(1,)]


def test_the_circuit_breaker_gets_its_settings(
    feedback: Tables, accounts: dict[str, float], score: Callable[..., Any]
) -> None:
    score()
    feedback.churn((account, AS_OF - timedelta(days=1)) for account in ODD[:4])
    with pytest.raises(PublicationRefused, match="max_count_change"):
        score(max_count_change=0.1)
    kept = score(max_count_change=0.1, accept_shift="A reason.", departed_accounts="keep")
    assert published(feedback).keys() == set(ODD)
    assert PublishedScoresProperties.read(kept).as_json()["published_count"] == len(ODD) - 4
    removed = score(max_count_change=0.1)
    assert published(feedback).keys() == set(ODD[4:])
    assert PublishedScoresProperties.read(removed).as_json()["removed_count"] == 4


def test_without_a_champion_nothing_is_published(
    feedback: Tables, accounts: dict[str, float], score: Callable[..., Any], make_model: Make
) -> None:
    with pytest.raises(NothingToPublish, match="There is no champion"):
        score(champion=None)
    with pytest.raises(NothingToPublish, match="horizon_days was 11 and is 10"):
        score(champion=make_model(horizon_days=11))
    assert published(feedback) == {}


def test_a_shard_without_records_is_no_error(tmp_path: Path, model: Any) -> None:
    empty = tmp_path / "data_tfrecord-00000-of-00001.gz"
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    tf.io.TFRecordWriter(str(empty), options).close()
    shard = inference.ScoreShard(f"{model.uri}/Format-Serving", str(tmp_path))
    shard.setup()
    assert list(shard.process(str(empty))) == [0]
    ((accounts, probabilities),) = read_scores(str(tmp_path))
    assert (accounts, probabilities.tolist()) == ([], [])


def details(feedback: Tables) -> dict[str, dict[str, Any]]:
    rows = feedback.execute("SELECT to_jsonb(one) FROM tens_insight.account_risk_details AS one")
    return {one["account_id"]: one for (one,) in rows}


def test_every_account_has_its_details(
    feedback: Tables, accounts: dict[str, float], score: Callable[..., Any]
) -> None:
    score()
    rows = details(feedback)
    assert rows.keys() == accounts.keys()
    scores = published(feedback)
    for account, row in rows.items():
        probability = scores[account][0]
        assert row["churn_by_horizon"] == {
            "5": pytest.approx(probability / 2, rel=1e-6),
            "10": probability,
            "20": pytest.approx(probability**0.5, rel=1e-6),
        }
        assert row["lift"] == pytest.approx(probability / 0.08)
        assert row["days_since_last_event"] == pytest.approx(100 * probability, rel=1e-6)
        assert row["silence_state"] == ("new" if probability < 0.3 else "silent")
        log_odds = sum(one["log_odds"] for one in row["reasons"])
        assert row["base_log_odds"] + log_odds + row["other_log_odds"] == pytest.approx(
            math.log(probability / (1 - probability)), abs=1e-5
        )
        assert {one["direction"] for one in row["reasons"]} == {"raises", "lowers"} - (
            {"raises"} if probability < 0.5 else set()
        )
        assert all(one["text"] for one in row["reasons"])


def test_the_details_of_a_shard_are_those_of_the_table(
    feedback: Tables, accounts: dict[str, float], score: Callable[..., Any]
) -> None:
    scores = score(rows_per_bucket=1)
    shards = [pyarrow.parquet.read_table(one).to_pylist() for one in Path(scores.uri).iterdir()]
    rows = details(feedback)
    for one in (one for shard in shards for one in shard):
        assert json.loads(one["reasons"]) == rows[one["account_id"]]["reasons"]
        assert json.loads(one["churn_by_horizon"]) == rows[one["account_id"]]["churn_by_horizon"]


def test_bands_by_lift_are_multiples_of_the_champions_base_rate(
    feedback: Tables, accounts: dict[str, float], score: Callable[..., Any], make_model: Make
) -> None:
    rule = {"mode": "lift", "lifts": [2, 3, 6]}
    scores = score(**LIFTS)
    facts = PublishedScoresProperties.read(scores).as_json()
    assert facts["risk_bands"] == (
        "lift over the base rate 0.080: medium from 2x (0.160), high from 3x (0.240), "
        "critical from 6x (0.480)"
    )
    assert facts["model_risk_bands"] == "probability"
    assert [facts[f"category_{one}"] for one in ("low", "medium", "high", "critical")] == [
        2, 2, 4, 5,
    ]  # fmt: skip
    (log,) = feedback.execute("SELECT risk_bands FROM tens_insight.publications")[0]
    assert log == rule | {"base_rate": 0.08, "cuts": [0.16, 0.24, 0.48]}
    trained = make_model(risk_bands=json.dumps(rule), calibrated_base_rate=0.05)
    facts = PublishedScoresProperties.read(score(trained, **LIFTS)).as_json()
    assert "base rate 0.050" in facts["risk_bands"]
    assert "model_risk_bands" not in facts
    assert "former_risk_bands" not in facts


def test_bands_by_capacity_part_equals_and_say_so(
    feedback: Tables, accounts: dict[str, float], score: Callable[..., Any]
) -> None:
    score()
    feedback.add([{"account_id": f"twin-{n}", "created_at": AS_OF - timedelta(days=90)}
                  for n in range(3)])  # fmt: skip
    capacity = {"risk_bands": "capacity", "risk_capacity": (2, 3, 4)}
    facts = PublishedScoresProperties.read(score(**capacity)).as_json()
    assert [facts[f"category_{one}"] for one in ("critical", "high", "medium", "low")] == [
        2, 3, 4, 7,
    ]  # fmt: skip
    assert facts["divided_ties"] == 3
    assert facts["former_risk_bands"] == "probability"
    rows = published(feedback)
    assert [rows[f"twin-{n}"][2] for n in range(3)] == ["critical", "critical", "high"]
