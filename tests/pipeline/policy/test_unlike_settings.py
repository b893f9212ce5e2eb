"""What a champion learnt with, beside the settings and what scoring must agree on."""

from dataclasses import replace
from typing import Any

import pytest

from components.account_scorer.champion import MUST_AGREE
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.registry.model_properties import ModelProperties
from pipeline.policy.unlike_settings import (
    ACTIVE_WITHIN_DAYS,
    LABEL_SOURCE,
    RECORDED,
    UnlikeSetting,
    unlike_settings,
)
from pipeline.settings import default_settings

MODEL = ModelProperties(
    model_version="20261121-bbbbbbbb",
    label_source="account_churn",
    lookback_days=180,
    horizon_days=60,
    max_events=500,
    duplicate_events="collapse",
    rows_after_churn="back",
    settings=default_settings().portable(),
)


def found(
    model: ModelProperties = MODEL, has_churn_table: bool = True, **asked: Any
) -> list[UnlikeSetting]:
    return unlike_settings(model, FeedbackExampleGenConfig(**asked), has_churn_table)


def with_setting(name: str, value: Any, **others: Any) -> ModelProperties:
    """A model of a run with another setting."""
    return replace(MODEL, settings=(MODEL.settings or {}) | {name: value}, **others)


def test_a_model_of_the_same_settings_is_like_them() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("asked", "learnt"),
    [
        ({"lookback_days": 365}, 180),
        ({"horizon_days": 90}, 60),
        ({"max_events": 100}, 500),
        ({"duplicate_events": "keep"}, "collapse"),
        ({"rows_after_churn": "final"}, "back"),
        ({"label_source": "inactivity"}, "account_churn"),
        ({"active_within_days": 120}, "off"),
        ({"active_within_days": "auto"}, "off"),
        ({"churn_table": "contracts"}, "account_churn"),
        ({"churn_date_column": "ended_at"}, "churned_at"),
    ],
)
def test_another_value_is_found_with_both(asked: dict[str, Any], learnt: Any) -> None:
    ((name, value),) = asked.items()
    assert found(**asked) == [UnlikeSetting(name, learnt, value)]


def test_what_scoring_must_agree_on_is_compared() -> None:
    assert set(MUST_AGREE) <= {*RECORDED, LABEL_SOURCE}


@pytest.mark.parametrize(
    ("written", "took_effect", "asked", "differs"),
    [
        ("auto", 290, "auto", False),
        ("auto", 290, 290, False),
        ("auto", 290, 120, True),
        ("auto", None, "off", False),
        ("auto", 290, "off", True),
        (290, 290, "auto", True),
        (290, 290, 290, False),
        ("off", None, "auto", True),
    ],
)
def test_a_limit_of_silence_is_compared_as_it_took_effect(
    written: Any, took_effect: int | None, asked: Any, differs: bool
) -> None:
    model = with_setting(ACTIVE_WITHIN_DAYS, written, active_within_days=took_effect)
    assert bool(found(model, active_within_days=asked)) == differs


@pytest.mark.parametrize(
    ("learnt", "has_table", "differs"),
    [
        ("account_churn", True, False),
        ("account_churn", False, True),
        ("inactivity", True, True),
        ("inactivity", False, False),
    ],
)
def test_an_automatic_source_of_labels_is_what_the_database_comes_to(
    learnt: str, has_table: bool, differs: bool
) -> None:
    unlike = found(replace(MODEL, label_source=learnt), has_table)
    assert [one.name for one in unlike] == ([LABEL_SOURCE] if differs else [])


def test_a_churn_table_that_nothing_learnt_from_is_not_compared() -> None:
    model = replace(MODEL, label_source="inactivity")
    assert found(model, churn_table="contracts", label_source="inactivity") == []


def test_silent_accounts_are_scored_or_not_without_another_model() -> None:
    assert found(silent_accounts="scored") == []


def test_what_nobody_recorded_is_not_compared() -> None:
    assert found(ModelProperties(), horizon_days=90, active_within_days="auto") == []
