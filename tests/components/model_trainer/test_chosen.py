"""Tuner or settings: who wins, and what is said of it."""

import json
from typing import Any

import pytest

from components.model_trainer.chosen import Chosen, choose

FOUND = {"learning_rate": 0.003, "l2": 0.01, "dropout": 0.3, "hidden_units": [64]}
CONFIG = {"hyperparameters": "tuned", "set_explicitly": [], "l2": 0.05}


def tuned(values: dict[str, Any]) -> dict[str, Any]:
    return {
        "tuner_run": "tuned-1",
        "values": json.dumps(values),
        "log_loss": 0.21,
        "settings_log_loss": 0.25,
    }


def test_the_tuner_wins_over_defaults() -> None:
    told = "tuner run tuned-1 (log-loss 0.2100 on its folds, 0.2500 before)"
    assert choose(CONFIG, tuned(FOUND)) == Chosen(FOUND, told, "tuned-1")


def test_what_is_set_explicitly_wins_over_the_tuner() -> None:
    found = choose(CONFIG | {"set_explicitly": ["l2"]}, tuned(FOUND))
    assert found.values == {name: value for name, value in FOUND.items() if name != "l2"}
    assert found.origin.endswith("; set explicitly: l2")


def test_values_found_for_another_label_are_taken_with_a_word() -> None:
    facts = tuned(FOUND) | {"label_source": "inactivity", "horizon_days": 30}
    card = {"label_source": "inactivity", "horizon_days": 60}
    found = choose(CONFIG | {"model_card": card}, facts)
    assert found.values == FOUND
    assert found.origin.endswith("; found for another label: horizon_days 30")
    same = choose(CONFIG | {"model_card": card}, facts | {"horizon_days": 60})
    assert "another label" not in same.origin


@pytest.mark.parametrize(
    ("changes", "facts", "said"),
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
    changes: dict[str, Any], facts: dict[str, Any] | None, said: str
) -> None:
    assert choose(CONFIG | changes, facts) == Chosen({}, said, "")
