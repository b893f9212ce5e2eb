"""Every feature has one reason group, and a new one cannot be forgotten."""

import pytest

from transforms.account_features import feature_names
from transforms.reason_groups import (
    columns_by_group,
    feature_groups,
    group_names,
    group_of,
)


def test_the_groups_part_the_columns() -> None:
    by_group = columns_by_group(feature_names())
    columns = [column for group in by_group.values() for column in group]
    assert sorted(columns) == list(range(len(feature_names())))
    assert tuple(by_group) == group_names()
    assert all(by_group.values())


def test_the_group_of_each_column_is_that_of_its_name() -> None:
    by_group = columns_by_group(feature_names())
    for column, group in enumerate(feature_groups()):
        assert column in by_group[group]


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
        columns_by_group([*feature_names(), feature])
