"""The weights of the cold-start rule, and what its version names."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property_tests import cases
from transforms.cold_start_rule import (
    RULE_GROUPS,
    RULE_SIGNALS,
    RuleWeights,
    is_rule,
    rule_version,
)
from transforms.reason_groups import group_names

DEFAULT = RuleWeights()


def test_every_signal_has_a_reason_group_that_sentences_know() -> None:
    assert tuple(RULE_GROUPS) == RULE_SIGNALS
    assert set(RULE_GROUPS.values()) <= set(group_names())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"silence": -0.1}, "numbers >= 0, not silence=-0.1"),
        ({"silence": float("nan")}, "numbers >= 0, not silence=nan"),
        ({"silence": True}, "numbers >= 0, not silence=True"),
        ({"silence": 0.9}, "must sum to 1"),
        ({"loudness": 0.1}, "no signal 'loudness'; the signals are silence"),
    ],
)
def test_weights_that_are_none_are_refused(changed: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RuleWeights.from_mapping(DEFAULT.as_dict() | changed)


def test_a_signal_without_a_weight_is_refused() -> None:
    weights = DEFAULT.as_dict()
    del weights["newness"]
    with pytest.raises(ValueError, match="newness is missing"):
        RuleWeights.from_mapping(weights)


@given(st.lists(st.floats(0, 1), min_size=len(RULE_SIGNALS), max_size=len(RULE_SIGNALS)))
@settings(max_examples=cases(100))
def test_equal_rules_have_equal_versions_and_others_have_others(raw: list[float]) -> None:
    total = sum(raw)
    if total < 1e-3:
        return
    one = RuleWeights(*(value / total for value in raw))
    version = rule_version(one, assumed_churn_rate=0.1)
    assert version == rule_version(RuleWeights.from_mapping(one.as_dict()), assumed_churn_rate=0.1)
    assert is_rule(version)
    assert len(version) == len("rules-") + 8
    assert rule_version(one, assumed_churn_rate=0.2) != version
    if one != DEFAULT:
        assert rule_version(DEFAULT, assumed_churn_rate=0.1) != version


def test_no_version_of_a_model_is_that_of_a_rule() -> None:
    assert not is_rule("20261129-4b95b818")
    assert not is_rule("")
