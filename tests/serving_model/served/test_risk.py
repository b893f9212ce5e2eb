"""Health scores and categories, at and between their bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_model.served.risk import checked_probabilities, health_scores, risk_categories

CHURN = st.floats(0, 1)


def by_hand(probability: float) -> str:
    if probability < 0.25:
        return "low"
    if probability < 0.50:
        return "medium"
    return "high" if probability < 0.75 else "critical"


@given(st.lists(CHURN))
def test_categories_follow_the_contract(probabilities: list[float]) -> None:
    assert risk_categories(probabilities).tolist() == [by_hand(one) for one in probabilities]


@given(st.lists(CHURN))
def test_health_is_what_churn_leaves(probabilities: list[float]) -> None:
    health = health_scores(probabilities)
    assert health.tolist() == [100 * (1 - one) for one in probabilities]
    assert ((health >= 0) & (health <= 100)).all()


@pytest.mark.parametrize(
    ("bound", "below", "at"),
    [(0.25, "low", "medium"), (0.5, "medium", "high"), (0.75, "high", "critical")],
)
def test_a_bound_belongs_to_the_worse_category(bound: float, below: str, at: str) -> None:
    assert risk_categories([np.nextafter(bound, 0), bound]).tolist() == [below, at]


@given(
    before=st.lists(CHURN, max_size=3),
    wrong=st.one_of(
        st.just(float("nan")), st.floats(max_value=-1e-9), st.floats(min_value=1 + 1e-9)
    ),
)
def test_a_wrong_probability_names_its_account(before: list[float], wrong: float) -> None:
    probabilities = [*before, wrong, 0.5]
    accounts = [f"ACC-{place}" for place in range(len(probabilities))]
    for rule in (health_scores, risk_categories):
        with pytest.raises(ValueError, match=f"account 'ACC-{len(before)}'"):
            rule(probabilities, accounts)
    with pytest.raises(ValueError, match=f"row {len(before)}"):
        checked_probabilities(probabilities)


def test_accounts_must_match_the_probabilities() -> None:
    with pytest.raises(ValueError, match="2 probabilities for 1 accounts"):
        health_scores([0.1, 0.2], ["ACC-1"])
