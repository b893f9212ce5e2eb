"""Many accounts at once are told what each alone would be."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving_model.reasons.fact_patterns import FactColumns, patterns
from serving_model.reasons.fact_sentences import AccountFacts, sentence
from serving_model.reasons.reason_words import reasons_of
from serving_model.reasons.told_reasons import told_reasons
from serving_model.served.predict import Explanation, ModelScorer
from tests.property_tests import cases
from tests.serving_model.reasons.test_fact_sentences import possible
from transforms.reason_facts import fact_names, fact_word_names
from transforms.reason_groups import group_names

CARD = {"lookback_days": 180, "max_events": 100}


def explanation(facts: list[AccountFacts], contributions: np.ndarray) -> Explanation:
    count = len(facts)
    return Explanation(
        accounts=np.array([str(n) for n in range(count)], np.str_),
        probabilities=np.full(count, 0.5),
        horizon_probabilities=np.full([count, 1], 0.5),
        base_log_odds=np.zeros(count),
        contributions=contributions,
        facts=np.array([[one.numbers[name] for name in fact_names()] for one in facts]),
        fact_words=np.array(
            [[one.words[name] for name in fact_word_names()] for one in facts], object
        ),
        groups=group_names(),
        fact_names=fact_names(),
        fact_word_names=fact_word_names(),
    )


def one_by_one(found: Explanation, card: dict[str, object]) -> list[list[tuple[object, ...]]]:
    every = reasons_of(found, card)
    return [[(one.group, one.log_odds, one.text) for one in reasons] for reasons in every]


def at_once(found: Explanation, card: dict[str, object]) -> list[list[tuple[object, ...]]]:
    told = told_reasons(found, card)
    groups = [found.groups[place] for place in told.group.tolist()]
    texts = [told.texts[place] for place in told.text.tolist()]
    every = list(zip(groups, told.log_odds.tolist(), texts, strict=True))
    return [every[a:b] for a, b in zip(told.starts[:-1], told.starts[1:], strict=True)]


NEAR_HALVES = st.sampled_from([0.0, 0.004, 0.01, 0.5, 1.0, 2.0, -0.01, -0.5, -1.0])


@settings(max_examples=cases(30), deadline=None)
@given(st.data())
def test_the_same_is_told_as_one_by_one(data: st.DataObject) -> None:
    facts = data.draw(st.lists(possible(), min_size=1, max_size=6))
    size = len(facts) * len(group_names())
    drawn = data.draw(st.lists(NEAR_HALVES, min_size=size, max_size=size))
    found = explanation(facts, np.array(drawn).reshape(len(facts), -1))
    assert at_once(found, CARD) == one_by_one(found, CARD)


@settings(max_examples=cases(60), deadline=None)
@given(st.lists(possible(), min_size=2, max_size=6), st.data())
def test_accounts_of_one_pattern_have_one_sentence(
    drawn: list[AccountFacts], data: st.DataObject
) -> None:
    """Each account also comes with one of its facts moved a little."""
    facts = []
    for one in drawn:
        name = data.draw(st.sampled_from(fact_names()))
        moved = dict(one.numbers) | {name: one.numbers[name] + data.draw(st.floats(0, 1.1))}
        facts += [one._replace(lookback_days=180, max_events=100) for one in (one, one)]
        facts[-1] = facts[-1]._replace(numbers=moved)
    found = explanation(facts, np.zeros([len(facts), len(group_names())]))
    columns = FactColumns(found, 180, 100)
    for group in group_names():
        said: dict[int, str] = {}
        for number, one in zip(patterns(group, columns).tolist(), facts, strict=True):
            assert said.setdefault(number, sentence(group, one)) == sentence(group, one)


def test_nothing_is_told_of_nobody() -> None:
    found = explanation([], np.zeros([0, len(group_names())]))
    found = found._replace(
        facts=np.zeros([0, len(fact_names())]),
        fact_words=np.zeros([0, len(fact_word_names())], object),
    )
    assert at_once(found, CARD) == []


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_contribution_that_is_no_number_is_refused(bad: float) -> None:
    facts = AccountFacts(dict.fromkeys(fact_names(), 0.0), dict.fromkeys(fact_word_names(), ""))
    values = np.zeros([2, len(group_names())])
    values[1, 3] = bad
    with pytest.raises(ValueError, match=r"\['negative_feedback'\] are not finite"):
        told_reasons(explanation([facts, facts], values), CARD)


def test_a_trained_model_tells_the_same(world: SimpleNamespace, scorer: ModelScorer) -> None:
    found = scorer.explain(world.scored[:400])
    assert at_once(found, scorer.card) == one_by_one(found, scorer.card)
    assert len(told_reasons(found, scorer.card).texts) > 300
