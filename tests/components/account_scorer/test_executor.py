"""From Examples and a champion to the published table: all of it, or nothing."""

import functools
import json
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from components import ahead
from components.account_scorer import inference
from components.account_scorer.config import AccountScorerConfig
from components.account_scorer.early_answers import answers_ahead
from components.account_scorer.executor import Executor
from components.account_scorer.inference import read_scores
from components.errors import NothingToPublish, PublicationRefused
from components.feedback_example_gen.handed_over import WrittenExamples, written_file
from components.registry.artifacts import PublishedScores
from components.registry.model_properties import BlessingProperties
from components.registry.published_properties import PublishedScoresProperties
from serving_model.served import predict
from serving_model.served.risk_bands import RiskBands
from tests.components.exec_properties import exec_properties

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
CONFIG = AccountScorerConfig(max_mean_shift=0.5, max_category_shift=1.0, max_moved_share=1.0)
LIFTS = {"risk_bands": "lift", "risk_lifts": (2, 3, 6)}
ODD = ["ACC-1", "Ü-ß", "日本", "😀", 'a"b', "a\nb", "a\tb", "\\N", "\\", " ", "e\u0301", "é", "NA"]

Tables = Any
Make = Callable[..., Any]


SILENCE = {account: 5.0 + 6 * number for number, account in enumerate(ODD)}
ACCOUNTS = {account: days / 100 for account, days in SILENCE.items()}
"""The probability that each account must get."""
DEPARTED = ODD[:4]
WORLDS: dict[str, tuple[dict[str, float], Sequence[str]]] = {
    # world: (days of silence of its accounts, which of them left)
    "plain": (SILENCE, ()),
    "one is not a number": (SILENCE | {"nan": 1.0}, ()),
    "some left": (SILENCE, DEPARTED),
    "with twins": (SILENCE | {f"twin-{n}": 90.0 for n in range(3)}, ()),
}


@pytest.fixture(scope="module")
def examples(examples_of: Make, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes the Examples to score of a world, once."""

    @functools.cache
    def make(world: str, rows_per_bucket: int) -> Any:
        silence, departed = WORLDS[world]
        return examples_of(
            tmp_path_factory.mktemp("world") / "examples",
            [
                {"account_id": account, "created_at": AS_OF - timedelta(days=days)}
                for account, days in silence.items()
            ],
            [(account, AS_OF - timedelta(days=1)) for account in ("nobody", *departed)],
            splits=["score"],
            label_source="account_churn",
            rows_per_bucket=rows_per_bucket,
        )

    return make


@pytest.fixture
def score(beam_executor: Make, examples: Make, model: Any, tmp_path: Path) -> Callable[..., Any]:
    """Scores everyone of a world and publishes; returns the scores' artifact."""

    def run(
        champion: Any = model,
        world: str = "plain",
        rows_per_bucket: int = 1_000_000,
        blessings: Sequence[Any] = (),
        **changes: Any,
    ) -> Any:
        scores = PublishedScores()
        scores.uri = str(tmp_path / f"scores-{len(list(tmp_path.iterdir()))}")
        inputs = {"examples": [examples(world, rows_per_bucket)]}
        inputs |= {"model": [champion]} if champion else {}
        inputs |= {"blessing": list(blessings)} if blessings else {}
        properties = exec_properties(replace(CONFIG, **changes))
        beam_executor(Executor).Do(inputs, {"scores": [scores]}, properties)
        return scores

    return run


def published(feedback: Tables) -> dict[str, tuple[Any, ...]]:
    rows = feedback.execute(
        "SELECT account_id, churn_probability, health_score, risk_category, predicted_at, "
        "model_version FROM account_risk_scores"
    )
    return {account: tuple(rest) for account, *rest in rows}


def details(feedback: Tables) -> dict[str, dict[str, Any]]:
    rows = feedback.execute("SELECT to_jsonb(one) FROM tens_insight.account_risk_details AS one")
    return {one["account_id"]: one for (one,) in rows}


def category(probability: float) -> str:
    return ("low", "medium", "high", "critical")[int(probability * 4)]


def test_which_horizons_the_gate_judged_stands_beside_the_scores(
    feedback: Tables, score: Callable[..., Any]
) -> None:
    log = "SELECT horizons_judged FROM tens_insight.publications ORDER BY publication_id"
    blessing = standard_artifacts.ModelBlessing()
    said = BlessingProperties(blessed=True, current_model_id=1, horizons_judged="5,10")
    said.write(blessing)
    score(blessings=[blessing])
    assert feedback.execute(log) == [([5, 10],)]
    assert {tuple(one["horizons_judged"]) for one in details(feedback).values()} == {(5, 10)}


def test_everyone_is_published(feedback: Tables, score: Callable[..., Any]) -> None:
    scores = score()
    rows = published(feedback)
    assert rows.keys() == ACCOUNTS.keys()
    for account, expected in ACCOUNTS.items():
        probability, health, risk, predicted_at, version = rows[account]
        assert probability == pytest.approx(expected, rel=1e-6)
        assert health == pytest.approx(100 * (1 - expected), rel=1e-6)
        assert (risk, predicted_at) == (category(expected), AS_OF)
        assert version == "20240601-abcdef01"
    facts = PublishedScoresProperties.read(scores).as_json()
    assert facts.pop("mean_probability") == pytest.approx(sum(ACCOUNTS.values()) / len(ACCOUNTS))
    assert datetime.fromisoformat(facts.pop("published_at")).utcoffset() == timedelta(0)
    risks = [category(expected) for expected in ACCOUNTS.values()]
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
    _check_details(feedback)


def test_what_the_champion_was_asked_early_is_published(
    feedback: Tables,
    score: Callable[..., Any],
    examples: Make,
    model: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (path,) = Path(examples("plain", 1_000_000).uri, "Split-score").iterdir()
    made, uri = WrittenExamples(str(path), written_file(str(path))), f"{model.uri}/Format-Serving"
    threads: list[str] = []
    ask = predict._asked

    def noted(*of: Any) -> Any:
        threads.append(threading.current_thread().name)
        return ask(*of)

    monkeypatch.setattr(predict, "_asked", noted)
    piece = answers_ahead(made, uri, explains=True)
    with ahead.followed_by([lambda what: [piece] if what is made else []]):
        ahead.begin(made)
        score()
    assert threads == ["ahead"]
    _check_details(feedback)


def _check_details(feedback: Tables) -> None:
    """Every account has its details, which add up to its probability."""
    rows = published(feedback)
    found = details(feedback)
    assert found.keys() == ACCOUNTS.keys()
    for account, row in found.items():
        probability = rows[account][0]
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


def test_shards_and_batches_change_nothing(
    feedback: Tables,
    score: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    renamed: set[str],
) -> None:
    whole = dict(_scores(score()))
    renamed.clear()
    table = published(feedback)
    monkeypatch.setattr(inference, "EXPLAIN_BATCH", 2)
    scores = score(rows_per_bucket=1)
    shards = list(Path(scores.uri).iterdir())
    assert len(shards) == len(ODD)
    assert {str(shard) for shard in shards} <= renamed  # each was whole before it was seen
    # More buckets than accounts in use: some shards hold nobody.
    assert 0 in [pyarrow.parquet.read_table(shard).num_rows for shard in shards]
    assert dict(_scores(scores)) == whole
    assert published(feedback) == table
    rows = details(feedback)
    for one in (one for shard in shards for one in pyarrow.parquet.read_table(shard).to_pylist()):
        assert json.loads(one["reasons"]) == rows[one["account_id"]]["reasons"]
        assert json.loads(one["churn_by_horizon"]) == rows[one["account_id"]]["churn_by_horizon"]


def _scores(scores: Any) -> list[tuple[str, float]]:
    return [
        pair
        for ids, probabilities in read_scores(scores.uri)
        for pair in zip(ids, probabilities.tolist(), strict=True)
    ]


def test_a_probability_that_is_none_publishes_nothing(
    feedback: Tables, score: Callable[..., Any]
) -> None:
    score()
    before = published(feedback)
    with pytest.raises(PublicationRefused, match="Nothing was published.*'nan' is nan"):
        score(world="one is not a number")
    assert published(feedback) == before
    assert feedback.execute("SELECT count(*) FROM tens_insight.publications") == [(1,)]


def test_the_circuit_breaker_gets_its_settings(feedback: Tables, score: Callable[..., Any]) -> None:
    score()
    fewer = {"world": "some left", "max_count_change": 0.1}
    with pytest.raises(PublicationRefused, match="max_count_change"):
        score(**fewer)
    kept = score(**fewer, accept_shift="A reason.", departed_accounts="keep")
    assert published(feedback).keys() == set(ODD)
    assert PublishedScoresProperties.read(kept).as_json()["published_count"] == len(ODD) - 4
    removed = score(**fewer)
    assert published(feedback).keys() == set(ODD[4:])
    assert PublishedScoresProperties.read(removed).as_json()["removed_count"] == 4


def test_without_a_champion_nothing_is_published(
    feedback: Tables, score: Callable[..., Any], make_model: Make
) -> None:
    with pytest.raises(NothingToPublish, match="There is no champion"):
        score(champion=None)
    with pytest.raises(NothingToPublish, match="horizon_days was 11 and is 10"):
        score(champion=make_model(horizon_days=11))
    assert published(feedback) == {}


def test_without_reasons_all_else_is_the_same(feedback: Tables, score: Callable[..., Any]) -> None:
    score()
    rows, with_reasons = published(feedback), details(feedback)
    score(reasons="none")
    assert published(feedback) == rows
    without = details(feedback)
    assert without.keys() == with_reasons.keys()
    gone = dict.fromkeys(("base_log_odds", "other_log_odds", "reasons", "other_reasons"))
    for account, one in without.items():
        assert with_reasons[account]["reasons"]
        other = with_reasons[account] | gone
        assert one == other | {"publication_id": one["publication_id"]}


def test_the_most_at_risk_alone_have_reasons(feedback: Tables, score: Callable[..., Any]) -> None:
    score(reasons="none")
    rows, without = published(feedback), details(feedback)
    score(reasons="top", reasons_share=0.3)
    assert published(feedback) == rows
    some = details(feedback)
    highest = sorted(feedback.execute(
        "SELECT churn_probability, account_id FROM account_risk_scores"
    ), reverse=True)[: math.ceil(0.3 * len(rows))]  # fmt: skip
    assert {one for one in some if some[one]["reasons"]} == {one for _, one in highest}
    for account in without.keys() - {one for _, one in highest}:
        expected = without[account] | {"publication_id": some[account]["publication_id"]}
        assert some[account] == expected


@pytest.mark.parametrize("explained", [1.0, 0.5, 0.0])
def test_a_shard_without_records_is_no_error(tmp_path: Path, model: Any, explained: float) -> None:
    empty = tmp_path / "data_tfrecord-00000-of-00001.gz"
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    tf.io.TFRecordWriter(str(empty), options).close()
    shard = inference.ScoreShard(f"{model.uri}/Format-Serving", str(tmp_path), explained)
    shard.setup()
    assert list(shard.process(str(empty))) == [0]
    ((accounts, probabilities),) = read_scores(str(tmp_path))
    assert (accounts, probabilities.tolist()) == ([], [])


def test_bands_by_lift_are_multiples_of_the_champions_base_rate(
    feedback: Tables, score: Callable[..., Any], make_model: Make
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


def test_auto_applies_what_training_chose_day_after_day(
    feedback: Tables, score: Callable[..., Any], make_model: Make
) -> None:
    chosen = RiskBands("lift", (1.5, 2.5, 4.0), base_rate=0.3, of_odds=True, chosen=True)
    card = {"auto_risk_bands": json.dumps(chosen.applied()), "calibrated_base_rate": 0.3}
    for day in range(2):
        facts = PublishedScoresProperties.read(
            score(make_model(**card), risk_bands="auto")
        ).as_json()
        assert facts["risk_bands"] == chosen.describe()
        assert facts["risk_bands_mode"] == "lift"
        assert "former_risk_bands" not in facts, day
    logs = feedback.execute("SELECT risk_bands FROM tens_insight.publications")
    assert all(log == chosen.applied() for (log,) in logs)
    assert chosen.applied()["chosen_by"] == "auto"
    # Who chose is no part of the rule: the contract's cuts stay the contract's cuts.
    by_probability = {"mode": "probability", "chosen_by": "auto"}
    score(make_model(auto_risk_bands=json.dumps(by_probability)))
    facts = PublishedScoresProperties.read(
        score(make_model(auto_risk_bands=json.dumps(by_probability)), risk_bands="auto")
    ).as_json()
    assert "former_risk_bands" not in facts
    with pytest.raises(NothingToPublish, match="has no auto_risk_bands"):
        score(risk_bands="auto")


def test_a_rule_that_tells_nobody_apart_is_told_with_one_that_would(
    feedback: Tables, score: Callable[..., Any], make_model: Make
) -> None:
    low = make_model(scale=0.2, calibrated_base_rate=0.05)
    facts = PublishedScoresProperties.read(score(low)).as_json()
    assert facts["bands_warning"].startswith(
        "the rule of the risk bands (probability) tells few accounts apart: 0 of 13 are high or "
        "critical, 13 low. With TENS_INSIGHT_RISK_BANDS=lift "
    )
    by_lift = {"risk_bands": "lift", "risk_lifts": (1.5, 2.5, 4.0)}
    facts = PublishedScoresProperties.read(score(low, **by_lift)).as_json()
    assert "bands_warning" not in facts
    high = make_model(calibrated_base_rate=0.66)
    facts = PublishedScoresProperties.read(score(high, **by_lift)).as_json()
    assert "RISK_BANDS=probability" in facts["bands_warning"]


def test_bands_by_capacity_part_equals_and_say_so(
    feedback: Tables, score: Callable[..., Any]
) -> None:
    score()
    capacity = {"risk_bands": "capacity", "risk_capacity": (2, 3, 4)}
    scores = score(world="with twins", **capacity)
    facts = PublishedScoresProperties.read(scores).as_json()
    assert [facts[f"category_{one}"] for one in ("critical", "high", "medium", "low")] == [
        2, 3, 4, 7,
    ]  # fmt: skip
    assert facts["divided_ties"] == 3
    assert facts["former_risk_bands"] == "probability"
    rows = published(feedback)
    assert [rows[f"twin-{n}"][2] for n in range(3)] == ["critical", "critical", "high"]
