"""Which reasons are told, in which order, and what they weigh."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_model.reasons.fact_sentences import AccountFacts, sentence
from serving_model.reasons.factors import factor, factors
from serving_model.reasons.reason_words import (
    LOWERS,
    RAISES,
    SMALLEST_REASON,
    reasons_of,
    top_reasons,
)
from serving_model.served.predict import ModelScorer
from transforms.reason_facts import fact_names, fact_word_names
from transforms.reason_groups import group_names

QUIET = AccountFacts(dict.fromkeys(fact_names(), 0.0), dict.fromkeys(fact_word_names(), ""))
CONTRIBUTIONS = st.fixed_dictionaries({name: st.floats(-30, 30) for name in group_names()})


@given(CONTRIBUTIONS, st.integers(0, 5))
def test_the_largest_are_told_in_both_directions(given_: dict[str, float], most: int) -> None:
    found = top_reasons(given_, QUIET, most)
    for direction, sign in ((RAISES, 1), (LOWERS, -1)):
        told = [one for one in found if one.direction == direction]
        sizes = [sign * one.log_odds for one in told]
        assert sizes == sorted(sizes, reverse=True)
        told_groups = {one.group for one in told}
        said = {one.text for one in found}
        rest = [
            sign * v
            for g, v in given_.items()
            if g not in told_groups and sentence(g, QUIET) not in said
        ]
        left = [size for size in rest if size >= SMALLEST_REASON]
        assert len(told) == min(most, len(told) + len(left))
        assert not told or max(left, default=0) <= min(sizes)
    assert [one.direction for one in found] == sorted(
        (one.direction for one in found), reverse=True
    )
    assert len({one.text for one in found}) == len(found)
    assert all(given_[one.group] == one.log_odds for one in found)
    assert json.loads(json.dumps([one._asdict() for one in found])) == [
        one._asdict() for one in found
    ]


@given(CONTRIBUTIONS, st.randoms())
def test_the_order_they_come_in_does_not_matter(given_: dict[str, float], random) -> None:
    items = list(given_.items())
    random.shuffle(items)
    assert top_reasons(dict(items), QUIET) == top_reasons(given_, QUIET)


def test_the_base_account_has_none() -> None:
    assert top_reasons(dict.fromkeys(group_names(), 0.0), QUIET) == []


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_contribution_that_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match=r"\['silence'\] are not finite"):
        top_reasons({"silence": bad, "tier": 0.3}, QUIET)


@pytest.mark.parametrize(
    ("log_odds", "said"),
    [
        (math.log(1.86), "×1.9"),
        (math.log(1.04), "×1.04"),
        (-math.log(2), "×0.50"),
        (-0.011, "×0.99"),
        (math.log(250), "×250"),
        (math.log(9.96), "×10"),
        (math.log(0.01), "×0.0100"),
        (0.0, "×1"),
        (-1e6, "×9.9e-305"),
        (1e6, "×1.0e+304"),
    ],
)
def test_a_contribution_is_a_factor_on_the_odds(log_odds: float, said: str) -> None:
    assert factor(log_odds) == said


def test_factors_of_many_are_those_of_each() -> None:
    random = np.random.default_rng(0)
    edges = np.log([1e-3, 0.0955, 0.095, 0.995, 1.0, 1.05, 1.095, 1.15, 9.95, 10.5, 99.5, 1e6])
    near = edges[:, None] + np.arange(-20, 21) * np.spacing(edges)[:, None]
    between = np.log(np.concatenate([random.uniform(0.09, 1.2, 9_000), np.arange(9.8, 10.2, 1e-3)]))
    extreme = [0.0, -0.0, 1e-17, 800.0, -800.0, 1e308]
    values = np.concatenate([random.normal(0, 2, 5_000), between, near.ravel(), extreme])
    texts, places = factors(values)
    assert [texts[place] for place in places] == [factor(one) for one in values.tolist()]
    assert len(texts) < 1_500


def test_the_reasons_of_a_trained_model(world: SimpleNamespace, scorer: ModelScorer) -> None:
    explanation = scorer.explain(world.scored[:200])
    every = list(reasons_of(explanation, scorer.card))
    assert len(every) == 200
    assert max(len(reasons) for reasons in every) == 6
    worst = every[int(explanation.probabilities.argmax())]
    assert worst[0].direction == RAISES
    assert "negative_feedback" in [one.group for one in worst[:2]]
    for reasons, row in zip(every, explanation.facts, strict=True):
        numbers = dict(zip(explanation.fact_names, row, strict=True))
        for one in reasons:
            if one.group == "negative_feedback" and numbers["negative_14d"]:
                assert one.text.startswith(f"{numbers['negative_14d']:.0f} negative ")


def test_the_card_says_how_far_the_facts_reach(world: SimpleNamespace, scorer: ModelScorer) -> None:
    explanation = scorer.explain(world.scored[:200])
    short = reasons_of(explanation, {"lookback_days": 60, "max_events": 500})
    texts = [one.text for reasons in short for one in reasons]
    assert any("last 60 days" in text for text in texts)
    assert not any("last 90 days" in text for text in texts)
