"""Bands: every rule is monotone, its limits hold to the last account, ties go by id."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_model.served.risk import CATEGORIES, risk_categories
from serving_model.served.risk_bands import CONTRACT_BANDS, RiskBands, divided_ties

LIFT = RiskBands("lift", lifts=(1.5, 2.5, 4.0), base_rate=0.04)
CAPACITY = RiskBands("capacity", capacity=(1, 2, 3))

# Few values, so that ties and exact cuts are common.
probabilities_of = st.lists(
    st.sampled_from([0.0, -0.0, 0.06, 0.1, 0.16, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1),
    max_size=30,
)
bands_of = st.one_of(
    st.just(CONTRACT_BANDS),
    st.tuples(st.floats(0.1, 3), st.floats(0.1, 3), st.floats(0.1, 3), st.floats(0.001, 0.99)).map(
        lambda drawn: RiskBands(
            "lift",
            lifts=(drawn[0], drawn[0] + drawn[1], drawn[0] + drawn[1] + drawn[2]),
            base_rate=drawn[3],
        )
    ),
    st.floats(0.001, 0.999).map(
        lambda rate: RiskBands("lift", lifts=(1.5, 2.5, 4.0), base_rate=rate, of_odds=True)
    ),
    st.tuples(*[st.integers(1, 12)] * 3).map(lambda drawn: RiskBands("capacity", capacity=drawn)),
)


def ids(count: int) -> list[str]:
    return [f"ACC-{number * 7919 % 1000:03d}" for number in range(count)]


@given(probabilities_of, bands_of)
def test_a_higher_probability_never_has_a_lower_category(
    probabilities: list[float], bands: RiskBands
) -> None:
    found = bands.categories(probabilities, ids(len(probabilities)))
    ranks = [CATEGORIES.index(name) for name in found]
    for one, rank in zip(probabilities, ranks, strict=True):
        for other, other_rank in zip(probabilities, ranks, strict=True):
            assert one <= other or rank >= other_rank


@given(probabilities_of, st.tuples(*[st.integers(1, 12)] * 3))
def test_by_capacity_as_many_as_can_be_handled(
    probabilities: list[float], capacity: tuple[int, int, int]
) -> None:
    bands = RiskBands("capacity", capacity=capacity)
    found = bands.categories(probabilities, ids(len(probabilities))).tolist()
    left = len(probabilities)
    for name, most in zip(("critical", "high", "medium"), capacity, strict=True):
        assert found.count(name) == min(most, left)
        left -= found.count(name)
    assert found.count("low") == left


@given(probabilities_of, bands_of, st.randoms())
def test_the_order_of_the_accounts_changes_nothing(probabilities, bands, random) -> None:
    pairs = list(zip(ids(len(probabilities)), probabilities, strict=True))
    shuffled = random.sample(pairs, len(pairs))

    def by_account(pairs):
        accounts, values = [a for a, _ in pairs], [p for _, p in pairs]
        return dict(zip(accounts, bands.categories(values, accounts).tolist(), strict=True))

    assert by_account(pairs) == by_account(shuffled)


@given(probabilities_of)
def test_the_default_is_the_contract(probabilities: list[float]) -> None:
    found = CONTRACT_BANDS.categories(probabilities, ids(len(probabilities)))
    assert found.tolist() == risk_categories(probabilities).tolist()


def test_a_cut_belongs_to_the_band_above() -> None:
    cuts = np.array(LIFT.cuts)
    below = np.nextafter(cuts, 0)
    assert LIFT.categories(cuts, ids(3)).tolist() == ["medium", "high", "critical"]
    assert LIFT.categories(below, ids(3)).tolist() == ["low", "medium", "high"]


def test_equals_are_divided_by_account_id_and_counted() -> None:
    accounts, probabilities = ["b", "é", "a", "Z", "c"], np.full(5, 0.5)
    found = CAPACITY.categories(probabilities, accounts)
    assert dict(zip(accounts, found.tolist(), strict=True)) == {
        "Z": "critical", "a": "high", "b": "high", "c": "medium", "é": "medium",
    }  # fmt: skip
    assert divided_ties(CAPACITY, probabilities, found) == 5
    apart = np.array([0.5, 0.4, 0.4, 0.1, 0.2])
    assert divided_ties(CAPACITY, apart, CAPACITY.categories(apart, accounts)) == 0
    assert divided_ties(CAPACITY, np.array([]), CAPACITY.categories([], [])) == 0


@pytest.mark.parametrize("base_rate", [None, 0.0, 1.0, -0.1, float("nan")])
def test_lift_without_a_base_rate_is_refused(base_rate: float | None) -> None:
    with pytest.raises(ValueError, match="base rate, which is"):
        LIFT.against(base_rate).categories([0.5], ["a"])


def test_a_broken_probability_names_its_account() -> None:
    for bands in (LIFT, CAPACITY, CONTRACT_BANDS):
        with pytest.raises(ValueError, match="'b' is nan"):
            bands.categories([0.5, float("nan")], ["a", "b"])


@given(bands_of)
def test_a_rule_comes_back_from_json(bands: RiskBands) -> None:
    assert RiskBands.from_rule(json.loads(json.dumps(bands.rule)), bands.base_rate) == bands


def test_it_says_what_it_does() -> None:
    assert CONTRACT_BANDS.describe() == (
        "probability: medium from 0.25, high from 0.50, critical from 0.75"
    )
    assert LIFT.against(0.3).describe() == (
        "lift over the base rate 0.300: medium from 1.5x (0.450), high from 2.5x (0.750), "
        "critical from 4x (above 1: never)"
    )
    assert CAPACITY.describe() == "capacity: the 1 highest critical, 2 high, 3 medium"
    assert LIFT.applied()["cuts"] == list(LIFT.cuts)
    assert CAPACITY.applied() == {"mode": "capacity", "capacity": [1, 2, 3]}
