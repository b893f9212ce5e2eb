"""Every feature has one reason group, and a new one cannot be forgotten."""

import re

import pytest

from transforms.account_features import feature_names
from transforms.reason_groups import REASON_GROUPS, feature_groups, group_names, group_of


def test_every_feature_is_in_one_group_and_every_group_has_a_feature() -> None:
    assert len(feature_groups()) == len(feature_names())
    assert set(feature_groups()) == set(group_names())
    for feature, group in zip(feature_names(), feature_groups(), strict=True):
        matching = [name for name, names in REASON_GROUPS.items() if re.fullmatch(names, feature)]
        assert matching == [group]


@pytest.mark.parametrize(
    ("feature", "group"),
    [
        ("silence_to_typical_gap", "silence"),
        ("silence_bucket[3]", "silence"),
        ("area_negative[2]", "product_areas"),
        ("negative_14d", "negative_feedback"),
        ("source_entropy", "channels"),
        ("since_positive", "positive_feedback"),
        ("newness_14d", "tenure"),
        ("age_5", "rhythm"),
    ],
)
def test_a_feature_is_where_one_looks_for_it(feature: str, group: str) -> None:
    assert group_of(feature) == group


@pytest.mark.parametrize("feature", ["", "pace_2", "unheard_of", "area", "tier"])
def test_a_feature_without_a_group_is_named(feature: str) -> None:
    with pytest.raises(ValueError, match=rf"{feature!r}.*Add it to REASON_GROUPS"):
        group_of(feature)


def test_a_feature_in_two_groups_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REASON_GROUPS, "pace_too", "pace")
    with pytest.raises(ValueError, match=r"\['rhythm', 'pace_too'\]"):
        group_of("pace")
