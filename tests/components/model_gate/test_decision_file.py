"""The decision comes back from its file as it was made."""

import json

import pytest

from components.model_gate.decision_file import Decision
from components.model_gate.gate_check import Population

EVERYONE = Population("overall", 3, 1)
DECISION = Decision(
    blessed=False,
    summary="NOT BLESSED: größte \\",
    model_version="20260601-new",
    champion_version=None,
    eval={"cutoff": "2026-04-02T00:00:00+00:00", "accounts": 3, "churned": 1},
    training={"share_of_accounts": 0.5},
    checks=(
        EVERYONE.check("auc", 0.7, "any", 0.5, -0.2),
        EVERYONE.check("gap", float("nan"), "any", 0.5, float("nan")),
        EVERYONE.skip("against the champion", "not worse", "there is no champion"),
    ),
    metrics={"challenger": {"auc": 0.1 + 0.2, "log_loss": None}},
    slices=[{"slice": "region EU", "skipped": "too few"}],
    calibration=[{"mean_predicted": 0.25}],
)


def test_it_is_read_as_it_was_written() -> None:
    assert Decision.from_json(DECISION.as_json()) == DECISION


def test_what_is_no_number_is_null() -> None:
    metrics = {"challenger": {"auc": float("nan")}}
    text = Decision(**{**vars(DECISION), "metrics": metrics}).as_json()
    found = json.loads(text, parse_constant=pytest.fail)
    assert found["metrics"] == {"challenger": {"auc": None}}
    assert found["checks"][1]["value"] is None


def test_what_is_broken_is_named() -> None:
    text = DECISION.as_json().replace('"verdict": "skipped"', '"verdict": null')
    with pytest.raises(ValueError, match=r"checks\.2\.verdict"):
        Decision.from_json(text)
