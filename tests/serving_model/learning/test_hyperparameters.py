"""The table of hyperparameters: what is in it, and what does not fit it."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.config import plain
from components.model_trainer.config import ModelTrainerConfig
from serving_model.learning.hyperparameters import HYPERPARAMETERS, Range, misfit

DEFAULTS = {name: plain(ModelTrainerConfig())[name] for name in HYPERPARAMETERS}
PAGE = Path(__file__).parents[3] / "docs" / "tuning.md"


@pytest.mark.parametrize("name", HYPERPARAMETERS)
def test_the_default_of_the_setting_lies_in_its_range(name: str) -> None:
    assert HYPERPARAMETERS[name].holds(DEFAULTS[name])


def test_the_page_shows_the_table() -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    shown = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert shown == [
        [f"`{name}`", str(limits), json.dumps(DEFAULTS[name])]
        for name, limits in HYPERPARAMETERS.items()
    ]


@pytest.mark.parametrize(
    ("value", "held"), [(1, True), (4, True), (2.0, True), (2.5, False), (0, False), (5, False)]
)
def test_a_range_of_whole_numbers_holds_its_ends_and_no_fractions(value: float, held: bool) -> None:
    assert Range(1, 4, whole=True).holds(value) is held


@pytest.mark.parametrize("value", [float("nan"), True, "0.1", None, [0.1]])
def test_what_is_no_number_is_in_no_range(value: Any) -> None:
    assert not Range(0.0, 1.0).holds(value)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, ""),
        ({name: DEFAULTS[name] for name in DEFAULTS}, ""),
        ({"hidden_units": [32, 16]}, ""),
        ({"l2": 7.0}, "l2 is 7.0, expected 0.0002 to 0.05, on a log scale"),
        ({"hidden_units": [1, 2, 3]}, "hidden_units is [1, 2, 3], expected [] or [16]"),
        ({"momentum": 0.9}, "there is no momentum; there are learning_rate"),
    ],
)
def test_a_misfit_is_named(values: dict[str, Any], why: str) -> None:
    assert misfit(values).startswith(why)
    assert bool(misfit(values)) is bool(why)
