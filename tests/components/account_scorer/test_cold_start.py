"""Without a champion the rule scores where the settings say so, and says what it is."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pydantic
import pytest

from components.account_scorer.config import AccountScorerConfig
from components.account_scorer.executor import Executor
from components.errors import DataGateStopped, NothingToPublish
from components.registry.artifacts import PublishedScores
from components.registry.published_properties import PublishedScoresProperties
from components.registry.rule_files import rule_folder, rule_properties, scored_by
from serving_model.served.model_card import read_card
from tests.components.exec_properties import exec_properties

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
RULES: dict[str, Any] = {"cold_start": "rules", "assumed_churn_rate": 0.2}
SILENCE = {f"ACC-{number}": 1.0 + 7 * number for number in range(11)}

Make = Callable[..., Any]


@pytest.fixture
def score(beam_executor: Make, examples_of: Make, tmp_path: Path) -> Callable[..., Any]:
    """Scores accounts that wrote once or twice, and publishes; returns the scores' artifact."""

    def run(
        silence: dict[str, float],
        champion: Any = None,
        rows_per_bucket: int = 10**6,
        **changes: Any,
    ) -> Any:
        made = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        rows = [
            {"account_id": name, "created_at": AS_OF - timedelta(days=days + before)}
            for name, days in silence.items()
            for before in (0, 40)
        ]
        examples = examples_of(
            made / "examples",
            rows,
            [("nobody", AS_OF - timedelta(days=1))],
            splits=["score"],
            label_source="account_churn",
            rows_per_bucket=rows_per_bucket,
        )
        scores = PublishedScores()
        scores.uri = str(made / "scores")
        inputs = {"examples": [examples], **({"model": [champion]} if champion else {})}
        config = AccountScorerConfig(**RULES | changes)
        beam_executor(Executor).Do(inputs, {"scores": [scores]}, exec_properties(config))
        return scores

    return run


@pytest.mark.parametrize("rows_per_bucket", [10**6, 4])
def test_the_rule_publishes_what_it_ranks(
    feedback: Any, score: Callable[..., Any], rows_per_bucket: int
) -> None:
    scores = score(SILENCE, rows_per_bucket=rows_per_bucket)
    rows = feedback.execute(
        "SELECT account_id, churn_probability, health_score, model_version "
        "FROM account_risk_scores ORDER BY churn_probability"
    )
    assert [account for account, *_ in rows] == list(SILENCE), "the longer silent, the riskier"
    probabilities = [float(row[1]) for row in rows]
    assert sum(probabilities) / len(rows) == pytest.approx(0.2, rel=1e-4)
    assert all(row[2] == pytest.approx(100 * (1 - row[1])) for row in rows)
    said = PublishedScoresProperties.read(scores)
    assert {row[3] for row in rows} == {said.model_version}
    assert said.model_version.startswith("rules-")
    assert not said.unseen, "it knows no words"


def test_details_say_why_and_that_nothing_was_learnt(
    feedback: Any, score: Callable[..., Any]
) -> None:
    scores = score(SILENCE)
    rows = feedback.execute(
        "SELECT learnt, base_rate, base_log_odds, reasons, churn_by_horizon "
        "FROM tens_insight.account_risk_details WHERE account_id = 'ACC-10'"
    )
    ((learnt, base_rate, base, reasons, horizons),) = rows
    assert learnt is False
    assert base_rate == pytest.approx(0.2)
    assert base < 0
    assert {one["group"] for one in reasons if one["direction"] == "raises"} >= {"silence"}
    assert list(horizons) == ["10"]
    card = read_card(rule_folder(scores.uri))
    assert "nothing was learnt" in str(card["learnt"])
    assert card["assumed_churn_rate"] == 0.2
    assert scored_by([], scores).properties == rule_properties(scores.uri)


def test_the_same_again_changes_nothing_and_another_rate_is_another_rule(
    feedback: Any, score: Callable[..., Any]
) -> None:
    first, again = score(SILENCE), score(SILENCE)
    assert version_of(first) == version_of(again)
    assert version_of(score(SILENCE, assumed_churn_rate=0.21)) != version_of(first)
    assert version_of(score(SILENCE, critical_priority=5)) != version_of(first)


def version_of(scores: Any) -> str:
    return PublishedScoresProperties.read(scores).model_version


def test_a_champion_takes_its_place_whatever_the_breaker_would_compare(
    feedback: Any, score: Callable[..., Any], make_model: Callable[..., Any]
) -> None:
    score(SILENCE)
    scores = score(SILENCE, champion=make_model())
    assert version_of(scores) == "20240601-abcdef01"
    ((learnt,),) = feedback.execute("SELECT DISTINCT learnt FROM tens_insight.account_risk_details")
    assert learnt is True


def test_without_the_setting_nothing_scores_and_the_setting_is_named(
    feedback: Any, score: Callable[..., Any]
) -> None:
    with pytest.raises(NothingToPublish, match="TENS_INSIGHT_COLD_START=rules"):
        score(SILENCE, cold_start="off")
    assert feedback.execute("SELECT count(*) FROM account_risk_scores") == [(0,)]


@pytest.mark.parametrize(
    ("silence", "said"),
    [
        ({"ACC-1": 3.0}, "needs 2 accounts .* there is 1"),
        ({f"ACC-{number}": 3.0 for number in range(4)}, "all 4 accounts the same score"),
    ],
)
def test_its_data_gate_stops_where_nothing_can_be_ranked(
    feedback: Any, score: Callable[..., Any], silence: dict[str, float], said: str
) -> None:
    with pytest.raises(DataGateStopped, match=said):
        score(silence)
    assert feedback.execute("SELECT count(*) FROM account_risk_scores") == [(0,)]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"assumed_churn_rate": None}, "needs assumed_churn_rate.*ASSUMED_CHURN_RATE=0.05"),
        ({"assumed_churn_rate": 0}, "greater than 0"),
        ({"assumed_churn_rate": 1}, "less than 1"),
        ({"cold_start": "on"}, "'off' or 'rules'"),
        ({"rule_weights": {"silence": 1.0}}, "are missing"),
    ],
)
def test_a_rule_without_a_rate_or_with_odd_weights_is_refused(
    changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(pydantic.ValidationError, match=said):
        AccountScorerConfig(**RULES | changed)
