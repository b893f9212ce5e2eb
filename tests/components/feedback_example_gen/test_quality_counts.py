"""Data-quality counts, values and case variants of a bucket against loops over plain rows."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from components.feedback_example_gen.category_values import (
    VALUE_COUNTS,
    count_values,
    find_case_variants,
    read_value_counts,
    values_of,
    write_value_counts,
)
from components.feedback_example_gen.examples import ExampleRules, take_examples
from components.feedback_example_gen.quality_counts import (
    QUALITY_COUNTS,
    QualityCounts,
    count_alike,
    count_quality,
    hashed_ids,
    read_quality_counts,
    write_quality_counts,
)
from components.feedback_example_gen.reading.feedback_reader import Churn, Feedback
from transforms import columns
from transforms.columns import CATEGORIES

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
RULES = ExampleRules(lookback_days=30, horizon_days=10, max_events=3)
OPEN_SETS = [column.name for column in columns.OPEN_SETS]
BLANKS = " \t\n\r\v\f"
NOBODY = Churn(np.empty(0, np.int64), np.empty(0, np.int64))

WORD = st.sampled_from(["pro", "Pro", " PRO ", "free", "FREE", "Ü", "ü", "", " "])
ROW = st.fixed_dictionaries(
    {
        "account_id": st.sampled_from(["A", "a", " a", "a/b", "b", "É", "é", "e\u0301", "/"]),
        "age": st.integers(1, 40),
        **{name: WORD for name in OPEN_SETS},
    }
)
ROWS = st.lists(ROW, max_size=25)


def feedback_of(rows: list[dict]) -> tuple[Feedback, dict[str, list[dict]]]:
    histories: dict[str, list[dict]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: -row["age"]):
        histories[row["account_id"]].append(row)
    ordered = [row for own in histories.values() for row in own]
    moments = [AS_OF - timedelta(days=row["age"]) for row in ordered]
    strings = {
        name: pa.array(
            [row.get(name, "neutral").encode() for row in ordered], pa.binary()
        ).dictionary_encode()
        for name in (column.name for column in CATEGORIES)
    }
    feedback = Feedback(
        account_ids=pa.array([account.encode() for account in histories], pa.binary()),
        starts=np.cumsum([0, *map(len, histories.values())]),
        created_us=np.array([int(one.timestamp()) * 1_000_000 for one in moments], np.int64),
        numbers={"priority": np.full(len(ordered), 3)},
        strings=strings,
        duplicate_rows=7,
    )
    return feedback, histories


def word(value: str) -> str:
    return value.strip(BLANKS).lower()


def recent(own: list[dict]) -> list[dict]:
    return [row for row in own if row["age"] <= 30]


@settings(deadline=None)
@given(ROWS)
def test_accounts_are_counted(rows: list[dict]) -> None:
    feedback, histories = feedback_of(rows)
    scored = take_examples(feedback, NOBODY, AS_OF, RULES, known_until=None)

    def changed(name: str) -> int:
        return sum(len({word(row[name]) for row in own}) > 1 for own in histories.values())

    assert count_quality(feedback, scored) == QualityCounts(
        accounts=len(histories),
        duplicate_rows=7,
        accounts_with_one_row=sum(len(own) == 1 for own in histories.values()),
        accounts_changed_tier=changed("customer_tier"),
        accounts_changed_region=changed("region"),
        accounts_cut=sum(len(recent(own)) > 3 for own in histories.values()),
        accounts_with_slash=sum("/" in account for account in histories),
    )
    ids = Counter(map(word, histories))
    assert count_alike(hashed_ids(feedback)) == sum(ids[word(one)] > 1 for one in histories)


@settings(deadline=None)
@given(ROWS)
def test_words_are_counted_as_they_are_spelled(rows: list[dict]) -> None:
    feedback, histories = feedback_of(rows)
    scored = take_examples(feedback, NOBODY, AS_OF, RULES, known_until=None)
    words = count_values(feedback, scored)
    events = [row for own in histories.values() for row in recent(own)[-3:]]
    newest = [own[-1] for own in histories.values()]
    for column in columns.OPEN_SETS:
        shown = newest if column.of_account else events
        for count, expected in (("rows", rows), ("scored", shown)):
            values, found = values_of(words, column.name, count)
            counted = dict(zip(values, found.tolist(), strict=True))
            counts = Counter(row[column.name].encode() for row in expected)
            assert {value: number for value, number in counted.items() if number} == counts


@settings(deadline=None)
@given(ROWS)
def test_spellings_are_those_beside_the_usual_one(rows: list[dict]) -> None:
    words = count_values(feedback_of(rows)[0], None)
    for found in find_case_variants(words, examples=2):
        counts = Counter(row[found.column] for row in rows)
        usual = {}
        for value in sorted(counts, key=lambda value: (-counts[value], value.encode())):
            usual.setdefault(word(value), value)
        other = sorted(
            (value for value in counts if usual[word(value)] != value),
            key=lambda value: (-counts[value], value.encode()),
        )
        assert found.variants == len(other)
        assert found.rows == sum(counts[value] for value in other)
        assert found.examples == tuple((value, usual[word(value)]) for value in other[:2])


def test_a_column_of_free_text_is_cut_to_its_commonest_words() -> None:
    rows = [
        {"account_id": "A", "age": 1, **dict.fromkeys(OPEN_SETS, "x"), "topic": f"t{n % 40}"}
        for n in range(60)
    ]
    words = count_values(feedback_of(rows)[0], None, most=25)
    topics = words.filter(pa.compute.equal(words["column"], "topic")).to_pylist()
    assert len(topics) == 26
    assert topics[-1] == {"column": "topic", "value": None, "rows": 15, "scored": 0}
    assert sum(one["rows"] for one in topics) == 60
    values, _ = values_of(words, "topic", "rows")
    assert len(values) == 25
    assert {one.variants for one in find_case_variants(words)} == {0}


def test_buckets_are_added_up(tmp_path: Path) -> None:
    parts = [
        feedback_of([{"account_id": who, "age": 1, **dict.fromkeys(OPEN_SETS, tier)}])[0]
        for who, tier in (("A", "Pro"), ("a ", "pro"), ("b", "pro"))
    ]
    for folder in (QUALITY_COUNTS, VALUE_COUNTS):
        (tmp_path / folder).mkdir()
    for bucket, part in enumerate(parts):
        write_quality_counts(str(tmp_path), bucket, count_quality(part, None), hashed_ids(part))
        write_value_counts(str(tmp_path), bucket, count_values(part, None))
    counts, ids = read_quality_counts(str(tmp_path))
    assert counts == QualityCounts(accounts=3, duplicate_rows=21, accounts_with_one_row=3)
    assert count_alike(ids) == 2
    words = read_value_counts(str(tmp_path))
    assert dict(zip(*values_of(words, "region", "rows"), strict=True)) == {b"Pro": 1, b"pro": 2}
    assert {(one.variants, one.rows) for one in find_case_variants(words)} == {(1, 1)}
