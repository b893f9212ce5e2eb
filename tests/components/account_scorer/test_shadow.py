"""Models in shadow: asked beside the champion, never published, and never in its way."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from components.account_scorer import inference
from components.account_scorer.config import AccountScorerConfig
from components.account_scorer.executor import Executor
from components.account_scorer.shadow_scores import keep_shadow_scores
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.undo import undo
from components.registry.artifacts import PublishedScores
from components.registry.model_properties import ModelProperties
from components.registry.published_properties import PublishedScoresProperties
from tests.components.exec_properties import exec_properties

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
CONFIG = AccountScorerConfig(
    max_mean_shift=1.0, max_category_shift=1.0, max_moved_share=1.0, shadow_models=3
)
SILENCE = {f"ACC-{number}": 5.0 + 6 * number for number in range(12)} | {"Ü-ß": 80.0}
OLD, PINNED, YOUNG = "20240501-00000001", "20240401-00000002", "20240602-00000003"

Tables = Any
Make = Callable[..., Any]


@pytest.fixture(scope="module")
def examples(examples_of: Make, tmp_path_factory: pytest.TempPathFactory) -> Make:
    def make(rows_per_bucket: int) -> Any:
        return examples_of(
            tmp_path_factory.mktemp("world") / "examples",
            [
                {"account_id": account, "created_at": AS_OF - timedelta(days=days)}
                for account, days in SILENCE.items()
            ],
            [("nobody", AS_OF - timedelta(days=1))],
            splits=["score"],
            label_source="account_churn",
            rows_per_bucket=rows_per_bucket,
        )

    one, many = make(1_000_000), make(1)
    return lambda rows_per_bucket: many if rows_per_bucket == 1 else one


@pytest.fixture(scope="module")
def former(make_model: Make) -> Any:
    """Answers half of what the champion does."""
    return make_model(scale=0.5, model_version=OLD)


@pytest.fixture
def score(beam_executor: Make, examples: Make, model: Any, tmp_path: Path) -> Make:
    """Scores everyone; returns what the artifact says of itself."""

    def run(rows_per_bucket: int = 1_000_000, *, settings: Any = None, **beside: Any) -> Any:
        scores = PublishedScores()
        scores.uri = str(tmp_path / f"scores-{len(list(tmp_path.iterdir()))}")
        inputs = {"examples": [examples(rows_per_bucket)], "model": [model]}
        inputs |= {key: [one] for key, one in beside.items()}
        properties = exec_properties(replace(CONFIG, **(settings or {})))
        beam_executor(Executor).Do(inputs, {"scores": [scores]}, properties)
        return PublishedScoresProperties.read(scores)

    return run


def shadow_rows(tables: Tables) -> dict[tuple[str, str], list[float]]:
    rows = tables.execute(
        "SELECT model_version, account_id, probabilities FROM tens_insight.shadow_scores "
        "JOIN tens_insight.shadow_models USING (publication_id, place)"
    )
    return {(version, account): found for version, account, found in rows}


def published(tables: Tables) -> list[tuple[Any, ...]]:
    return tables.execute(  # type: ignore[no-any-return]
        "SELECT account_id, churn_probability, risk_category, model_version "
        "FROM account_risk_scores ORDER BY account_id"
    )


def expected(version: str, scale: float) -> dict[tuple[str, str], Any]:
    return {
        (version, account): pytest.approx(
            [days * scale / 200, days * scale / 100, (days * scale / 100) ** 0.5], rel=1e-6
        )
        for account, days in SILENCE.items()
    }


@pytest.mark.parametrize("rows_per_bucket", [1_000_000, 1])
def test_the_former_champion_scores_beside_the_champion(
    feedback: Tables,
    score: Make,
    former: Any,
    rows_per_bucket: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inference, "EXPLAIN_BATCH", 2)
    alone = score(rows_per_bucket)
    assert (alone.shadows, alone.notes) == (None, None)
    table = published(feedback)
    facts = score(rows_per_bucket, former_champion=former)
    assert (facts.shadows, facts.notes) == ((f"{OLD} (former champion)",), None)
    assert shadow_rows(feedback) == expected(OLD, 0.5)
    assert published(feedback) == table  # nothing of it is published
    lines = feedback.execute(
        "SELECT publication_id, place, role, horizons, horizon_days, accounts "
        "FROM tens_insight.shadow_models"
    )
    assert lines == [(2, 1, "former champion", [5, 10, 20], 10, len(SILENCE))]


def test_as_many_are_asked_as_the_settings_say(
    feedback: Tables, score: Make, former: Any, make_model: Make
) -> None:
    beside = {
        "newest_challenger": make_model(scale=0.25, model_version=YOUNG),
        "former_champion": former,
        "pinned_shadow": make_model(scale=0.75, model_version=PINNED),
    }
    asked = {
        0: None,
        1: (f"{PINNED} (pinned)",),
        2: (f"{PINNED} (pinned)", f"{OLD} (former champion)"),
        3: (
            f"{PINNED} (pinned)",
            f"{OLD} (former champion)",
            f"{YOUNG} (newest challenger)",
        ),
    }
    for most, names in asked.items():
        assert score(settings={"shadow_models": most}, **beside).shadows == names
    assert {version for version, _ in shadow_rows(feedback)} == {OLD, PINNED, YOUNG}
    assert score(settings={"reasons": "none"}, **beside).shadows == asked[3]
    # Fewer models than the settings allow are no error.
    assert score(former_champion=former).shadows == (f"{OLD} (former champion)",)


def test_a_model_that_cannot_be_asked_is_told_and_harms_nothing(
    feedback: Tables, score: Make, make_model: Make
) -> None:
    score()
    table = published(feedback)

    def old(**changes: Any) -> Any:
        artifact = make_model(model_version=OLD, **changes)
        ModelProperties(model_version=OLD).write(artifact)
        return artifact

    gone, strange = old(), old()
    shutil.rmtree(Path(gone.uri))
    (Path(strange.uri) / "Format-Serving" / "saved_model.pb").write_bytes(b"no model")
    said = {
        "gone": (gone, "are gone"),
        "strange": (strange, "cannot be loaded"),
        "another horizon": (old(horizon_days=20), "horizon_days was 20 and is 10"),
        "another lookback": (old(lookback_days=90), "lookback_days was 90 and is 30"),
        "other columns": (old(churn_horizons="5,10"), "3), expected 2 horizons"),
        "no number": (old(nan="Ü-ß"), f"1 of {len(SILENCE)} answers are no probabilities"),
    }
    for name, (broken, why) in said.items():
        facts = score(former_champion=broken)
        assert facts.shadows is None, name
        (note,) = facts.notes
        assert note.startswith(f"Model {OLD} (former champion) was not"), name
        assert "Ü-ß" not in note
        assert why in note, name
        assert published(feedback) == table
    assert shadow_rows(feedback) == {}


def test_one_that_breaks_in_one_shard_is_left_out_and_the_others_are_kept(
    feedback: Tables, score: Make, make_model: Make, former: Any
) -> None:
    broken = make_model(scale=0.75, model_version=PINNED, nan="ACC-7")
    facts = score(rows_per_bucket=1, pinned_shadow=broken, former_champion=former)
    assert facts.shadows == (f"{OLD} (former champion)",)
    assert len(facts.notes or ()) == 1
    assert shadow_rows(feedback) == expected(OLD, 0.5)


def test_what_speaks_of_a_publication_that_was_undone_is_not_recorded(
    feedback: Tables, score: Make, former: Any, tmp_path: Path
) -> None:
    score()
    facts = score(former_champion=former)
    undo(ACCOUNT_RISK_SCORES, reason="a test")
    (folder,) = tmp_path.glob("scores-1")
    found = keep_shadow_scores(
        str(folder), facts.publication_id, None, history_days=400, patience_s=0
    )
    assert found == ([], ["Shadow scores were not recorded: publication 2 was undone."])


def test_what_cannot_be_recorded_is_told(
    feedback: Tables, score: Make, former: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    feedback.execute("ALTER TABLE tens_insight.shadow_scores ADD CHECK (account_id <> 'ACC-1')")
    facts = score(former_champion=former)
    assert facts.shadows is None
    (note,) = facts.notes
    assert "Shadow scores were not recorded" in note
    assert len(published(feedback)) == len(SILENCE)
    assert shadow_rows(feedback) == {}
