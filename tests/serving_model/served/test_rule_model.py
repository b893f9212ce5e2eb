"""The cold-start rule answers as a learnt model does, and adds up."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from serving_model.served.interface import SIGNATURES
from serving_model.served.model_card import write_card
from serving_model.served.predict import ModelScorer
from serving_model.served.rule_model import (
    FittedRule,
    batch_signals,
    export_rule,
    fit_rule,
    rule_reason_card,
    slopes,
)
from tests.property_tests import cases
from transforms.cold_start_rule import RULE_GROUPS, RULE_SIGNALS, RuleWeights

RATE = 0.08


@pytest.fixture(scope="module")
def serialized(tools: SimpleNamespace) -> list[bytes]:
    examples, _ = tools.population(accounts=120, cutoffs=1, signal=1.5, seed=3)
    return [tools.without_label(one) for one in examples]


@pytest.fixture(scope="module")
def rule(serialized: list[bytes]) -> FittedRule:
    return fit_rule(RuleWeights(), batch_signals(tf.constant(serialized), 4), RATE)


@pytest.fixture(scope="module")
def exported(rule: FittedRule, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rule") / "model"
    export_rule(rule, 4, str(folder))
    write_card(str(folder), {**rule_reason_card(), "churn_horizons": "60"})
    return folder


def test_it_has_the_signatures_of_every_model(exported: Path) -> None:
    loaded: Any = tf.saved_model.load(str(exported))
    assert set(loaded.signatures) == set(SIGNATURES)
    for name, stated in SIGNATURES.items():
        assert set(loaded.signatures[name].structured_outputs) == set(stated.outputs)


def test_its_answers_are_those_of_the_definition(
    exported: Path, rule: FittedRule, serialized: list[bytes]
) -> None:
    _, found = ModelScorer(exported).score(serialized)
    assert found == pytest.approx(
        rule.probabilities(batch_signals(tf.constant(serialized), 4)), rel=1e-4
    )
    assert found.mean() == pytest.approx(RATE, rel=1e-4)
    assert len(set(found.round(6))) > len(found) // 2


def test_its_answers_do_not_depend_on_how_many_are_asked_about(
    exported: Path, serialized: list[bytes]
) -> None:
    scorer = ModelScorer(exported)
    _, together = scorer.score(serialized)
    reasons = scorer.explain(serialized).contributions
    for size in (1, 3, 7, 50):
        parts = [serialized[at : at + size] for at in range(0, len(serialized), size)]
        apart = np.concatenate([scorer.score(part)[1] for part in parts])
        assert apart.tobytes() == together.tobytes()
        apart = np.concatenate([scorer.explain(part).contributions for part in parts])
        assert apart.tobytes() == reasons.tobytes()


def test_its_reasons_add_up_by_group(
    exported: Path, rule: FittedRule, serialized: list[bytes]
) -> None:
    explained = ModelScorer(exported).explain(serialized)
    log_odds = np.log(explained.probabilities) - np.log1p(-explained.probabilities)
    told = explained.base_log_odds + explained.contributions.sum(axis=1)
    assert told == pytest.approx(log_odds, abs=1e-4)
    assert explained.horizon_probabilities[:, 0] == pytest.approx(explained.probabilities)
    each = (batch_signals(tf.constant(serialized), 4) - rule.means) * slopes(rule.weights)
    place = {name: number for number, name in enumerate(explained.groups)}
    by_hand = np.zeros_like(explained.contributions)
    for column, name in enumerate(RULE_SIGNALS):
        by_hand[:, place[RULE_GROUPS[name]]] += each[:, column]
    assert explained.contributions == pytest.approx(by_hand, abs=1e-4)


_signal = st.floats(0, 1)


@given(
    st.lists(st.lists(_signal, min_size=len(RULE_SIGNALS), max_size=len(RULE_SIGNALS)), min_size=1),
    st.floats(0.001, 0.999),
)
@settings(max_examples=cases(60))
def test_the_mean_probability_is_the_rate_that_was_stated(
    rows: list[list[float]], rate: float
) -> None:
    signals = np.array(rows)
    rule = fit_rule(RuleWeights(), signals, rate)
    assert rule.probabilities(signals).mean() == pytest.approx(rate, abs=1e-6)
    order = np.argsort(signals @ slopes(rule.weights), kind="stable")
    assert (np.diff(rule.log_odds(signals)[order]) >= -1e-9).all()
