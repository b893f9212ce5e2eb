"""Tuner or settings: who wins, and what is said of it."""

from typing import Any

import pytest

from components.model_trainer.chosen import Chosen, choose
from components.registry.model_properties import HyperParametersProperties, ModelProperties

FOUND = {"learning_rate": 0.003, "l2": 0.01, "dropout": 0.3, "hidden_units": [64]}
CONFIG = {"hyperparameters": "tuned", "set_explicitly": [], "l2": 0.05}


MODEL = ModelProperties(label_source="inactivity", horizon_days=60)


def tuned(values: dict[str, Any], horizon_days: int = 60) -> HyperParametersProperties:
    return HyperParametersProperties(
        tuner_run="tuned-1",
        values=values,
        settings_values={},
        log_loss=0.21,
        settings_log_loss=0.25,
        trials=3,
        folds="",
        as_of="2026-06-01T00:00:00+00:00",
        label_source="inactivity",
        horizon_days=horizon_days,
        train_cutoffs="",
        train_examples=9,
    )


def test_the_tuner_wins_over_defaults() -> None:
    told = "tuner run tuned-1 (log-loss 0.2100 on its folds, 0.2500 before)"
    assert choose(CONFIG, MODEL, tuned(FOUND)) == Chosen(FOUND, told, "tuned-1")


def test_what_is_set_explicitly_wins_over_the_tuner() -> None:
    found = choose(CONFIG | {"set_explicitly": ["l2"]}, MODEL, tuned(FOUND))
    assert found.values == {name: value for name, value in FOUND.items() if name != "l2"}
    assert found.origin.endswith("; set explicitly: l2")


def test_values_found_for_another_label_are_taken_with_a_word() -> None:
    found = choose(CONFIG, MODEL, tuned(FOUND, horizon_days=30))
    assert found.values == FOUND
    assert found.origin.endswith("; found for another label: horizon_days 30")
    same = choose(CONFIG, MODEL, tuned(FOUND))
    assert "another label" not in same.origin


@pytest.mark.parametrize(
    ("changes", "found", "said"),
    [
        ({}, None, "settings (no tuner run to take them from)"),
        ({"hyperparameters": "settings"}, tuned(FOUND), "settings (hyperparameters is settings)"),
        (
            {"set_explicitly": list(FOUND)},
            tuned(FOUND),
            "settings (all set explicitly, over tuner run tuned-1)",
        ),
        (
            {},
            tuned(FOUND | {"l2": 9.0}),
            "settings (those of tuner run tuned-1 do not fit: l2 is 9.0, expected 0.0002 to 0.05, "
            "on a log scale)",
        ),
        (
            {},
            tuned(FOUND | {"momentum": 0.9}),
            "settings (those of tuner run tuned-1 do not fit: there is no momentum; there are "
            "learning_rate, epochs, l2, dropout, hidden_units)",
        ),
    ],
)
def test_the_settings_stand_and_it_is_said_why(
    changes: dict[str, Any], found: HyperParametersProperties | None, said: str
) -> None:
    assert choose(CONFIG | changes, MODEL, found) == Chosen({}, said, "")
