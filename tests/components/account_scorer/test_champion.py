"""Without a champion that fits, nothing is scored, and the reason is said."""

from typing import Any

import pytest
from tfx.types import standard_artifacts

from components.account_scorer.champion import (
    population_note,
    require_champion,
    require_fit,
)
from components.errors import NothingToPublish
from components.registry.model_properties import ModelProperties
from tests.components.sample_properties import examples_properties

CARD: dict[str, Any] = {
    "model_version": "20240601-abcdef01",
    "lookback_days": 180,
    "horizon_days": 60,
    "max_events": 500,
    "duplicate_events": "collapse",
    "label_source": "account_churn",
}
MODEL = ModelProperties.from_plain(CARD)
DATA = {name: value for name, value in CARD.items() if name != "model_version"}


TRAINED = {
    "train_cutoffs": "2024-01-01T00:00:00+00:00",
    "train_examples": 10,
    "train_churned": 1,
}
"""Of a run that trains: telling it to run `run train` would be telling what was just done."""


def test_the_champion_is_the_model_that_was_found() -> None:
    champion = standard_artifacts.Model()
    assert require_champion([champion], examples_properties()) is champion


def test_no_champion() -> None:
    with pytest.raises(NothingToPublish, match="ever blessed or accepted.*models show VERSION"):
        require_champion([], examples_properties())
    with pytest.raises(NothingToPublish, match="did not bless this run's challenger") as refused:
        require_champion([], examples_properties(**TRAINED))
    assert "run train" not in str(refused.value)


def test_a_champion_of_these_settings_fits() -> None:
    require_fit(MODEL, examples_properties(**DATA))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"lookback_days": 90}, "lookback_days was 180 and is 90"),
        ({"horizon_days": 30}, "horizon_days was 60 and is 30"),
        ({"max_events": 100}, "max_events was 500 and is 100"),
        ({"duplicate_events": "keep"}, "duplicate_events was collapse and is keep"),
        ({"label_source": "inactivity"}, "label_source was account_churn and is inactivity"),
    ],
)
def test_a_champion_of_other_settings_does_not(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(NothingToPublish, match=rf"20240601-abcdef01 does not fit.*: {reason}\. "):
        require_fit(MODEL, examples_properties(**DATA | changed))


def test_a_run_that_trained_is_not_told_to_train() -> None:
    with pytest.raises(NothingToPublish, match="tens-insight run train"):
        require_fit(MODEL, examples_properties(**DATA | {"horizon_days": 30}))
    with pytest.raises(NothingToPublish, match="challenger has the new ones") as refused:
        require_fit(MODEL, examples_properties(**DATA | {"horizon_days": 30} | TRAINED))
    assert "run train" not in str(refused.value)


def test_all_that_differs_is_named() -> None:
    with pytest.raises(NothingToPublish, match="lookback_days was .*, horizon_days was "):
        require_fit(MODEL, examples_properties(**DATA | {"lookback_days": 1, "horizon_days": 2}))


@pytest.mark.parametrize(
    ("learnt", "scored", "said"),
    [
        ({}, {}, None),
        ({"rows_after_churn": "back"}, {}, None),
        ({"active_within_days": 90}, {"active_within_days": 90}, None),
        (
            {},
            {"active_within_days": 90},
            "learnt from all accounts, however silent, and the settings ask for accounts with "
            "feedback in 90 days: ",
        ),
        (
            {"active_within_days": 90, "rows_after_churn": "final"},
            {},
            "learnt from accounts with feedback in 90 days, with a churn date that is final, and "
            "the settings ask for all accounts, however silent: ",
        ),
    ],
)
def test_another_population_is_told_and_stops_nothing(
    learnt: dict[str, Any], scored: dict[str, Any], said: str | None
) -> None:
    model = ModelProperties.from_plain(CARD | learnt)
    data = examples_properties(**DATA | scored)
    require_fit(model, data)
    note = population_note(model, data)
    assert note == said or (said and note and said in note)
