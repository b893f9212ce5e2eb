"""The list of columns and what must agree with it by hand: the SQL and the curated schema."""

import re

from components.feedback_example_gen import reading
from components.postgres.queries import queries
from components.postgres.tables import FEEDBACK
from transforms import columns
from transforms import event_spec as spec
from transforms.schema import load_schema
from transforms.vocabularies import VOCABULARIES


def test_the_query_selects_the_columns_that_are_read():
    text = queries(reading.__name__)["read_feedback"]
    selected = re.search(r"^SELECT (.*?)^FROM", text, re.MULTILINE | re.DOTALL)[1]
    form = r"\w+\((\w+)::.*|(\w+)(?:::\w+| AT TIME ZONE 'UTC' AS \2)?"
    names = [re.fullmatch(form, one.strip()) for one in selected.split(",\n")]
    assert sorted(one[1] or one[2] for one in names) == sorted(one.name for one in columns.COLUMNS)


def test_the_contract_asks_for_each_column_by_its_kind():
    assert list(FEEDBACK.columns) == [one.name for one in columns.COLUMNS]
    assert "text" in FEEDBACK.columns[columns.TOPIC.name]
    assert FEEDBACK.columns[columns.PRIORITY.name] >= {"integer", "smallint"}
    assert FEEDBACK.columns[columns.CREATED_AT.name] == {"timestamp with time zone"}


def test_every_feature_of_a_column_stands_in_the_schema():
    known = {feature.name for feature in load_schema().feature}
    assert {one.feature for one in columns.COLUMNS if one.feature} <= known


def test_names_features_and_labels_are_unique():
    for what in ("name", "feature", "label"):
        values = [getattr(one, what) for one in columns.COLUMNS]
        assert len(set(values)) == len(values), what


def test_vocabularies_are_of_open_sets_under_their_labels():
    assert set(VOCABULARIES) <= {one.label for one in columns.OPEN_SETS}
    assert all(words.column.label == name for name, words in VOCABULARIES.items())


def test_a_closed_set_is_that_of_the_schema():
    domains = {
        feature.name: set(feature.string_domain.value)
        for feature in load_schema().feature
        if feature.HasField("string_domain")
    }
    assert domains == {one.feature: set(one.values) for one in columns.CATEGORIES if one.values}


def test_what_is_no_event_column_is_no_list():
    listed = {one.feature for one in columns.EVENT_COLUMNS} | {columns.CREATED_AT.feature}
    assert set(spec.EVENT_LISTS) == listed
