"""`run tune`, then a training run that takes what was found."""

import json

import pytest

pytestmark = pytest.mark.slow

SMALL = {
    "TENS_INSIGHT_MIN_CHURNED": "10",
    "TENS_INSIGHT_MEMBERS": "1",
    "TENS_INSIGHT_CUTOFF_INTERVAL_DAYS": "28",
}


def test_training_takes_what_tuning_found(postgres_server, tmp_path, house_with):
    with house_with(postgres_server, tmp_path, "strong", 1_200) as house:
        tuned = house.run("run", "tune", "--json", **SMALL, TENS_INSIGHT_TUNE_TRIALS="2")
        assert tuned.code == 0, tuned.err
        found = tuned.summary
        assert found["outcome"] == "tuned"
        assert found["trials"] == 2
        assert found["log_loss"] <= found["settings_log_loss"]
        assert "Measured 2 sets of hyperparameters" in tuned.out
        assert "eval_examples" not in found["data"]
        assert house.query("SELECT count(*) FROM tens_insight.publications") == [(0,)]

        trained = house.run(
            "run", "train", "--json", **SMALL, TENS_INSIGHT_MIN_AUC="0.5", TENS_INSIGHT_L2="0.007"
        )
        assert trained.code in (0, 3), trained.err
        trainer = house.state_dir / "pipeline_root" / "tens-insight-train" / "ModelTrainer"
        (card,) = trainer.rglob("model_card.json")
        card = json.loads(card.read_text())
        assert card["tuner_run"] == found["tuner_run"]
        used = json.loads(card["hyperparameters"])
        assert used == found["values"] | {"l2": 0.007}
        assert card["hyperparameters_from"].endswith("; set explicitly: l2")
        if trained.code == 0:
            said = trained.summary["hyperparameters_from"]
            assert said == card["hyperparameters_from"]
            assert f"trained with hyperparameters of {said}" in trained.out
