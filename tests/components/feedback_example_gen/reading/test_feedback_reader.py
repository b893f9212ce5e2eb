"""Columns grouped by account: the same rows as a plain fetch, in one reproducible order."""

import gc
import tempfile
import threading
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.errors import ContractBroken, StateUnusable
from components.feedback_example_gen.reading import parsed_rows, row_chunks
from components.feedback_example_gen.reading.feedback_reader import (
    Churn,
    ChurnSource,
    Feedback,
    divide_churn,
    divide_feedback,
    read_churn,
    read_divided_churn,
    read_divided_feedback,
    read_feedback,
)
from components.postgres.connection import connect
from components.postgres.moments import EARLIEST
from tests.property_tests import cases
from transforms.columns import CATEGORIES

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)
STRING_COLUMNS = [column.name for column in CATEGORIES]
CHURN = ChurnSource("account_churn", "account_id", "churned_at")

Tables = Any
Groups = dict[str, list[tuple[Any, ...]]]


def read(as_of: datetime = AS_OF) -> Feedback:
    with closing(connect("tens-insight test")) as connection:
        return read_feedback(connection, as_of)


def parts(buckets: int, churn: bool = False) -> list[tuple[Feedback, Churn | None]]:
    """What is read where one scan is divided into buckets."""
    with (
        closing(connect("tens-insight test")) as connection,
        tempfile.TemporaryDirectory() as folder,
    ):
        paths = [f"{folder}/{index}" for index in range(buckets)]
        divide_feedback(connection, AS_OF, paths)
        read = [read_divided_feedback(path, collapse_duplicates=True) for path in paths]
        if not churn:
            return [(feedback, None) for feedback in read]
        divide_churn(connection, CHURN, AS_OF, paths)
        return [
            (feedback, read_divided_churn(path, feedback.account_ids))
            for feedback, path in zip(read, paths, strict=True)
        ]


def groups(feedback: Feedback) -> Groups:
    """Returns {account: rows of (created_at, priority, *STRING_COLUMNS)} in their order."""
    strings = [
        [value.decode() for value in feedback.strings[name].to_pylist()] for name in STRING_COLUMNS
    ]
    moments = [EPOCH + int(us) * MICROSECOND for us in feedback.created_us]
    rows = list(zip(moments, feedback.numbers["priority"].tolist(), *strings, strict=True))
    accounts = [account.decode() for account in feedback.account_ids.to_pylist()]
    assert accounts == sorted(set(accounts))
    assert feedback.starts[0] == 0
    assert feedback.starts[-1] == len(rows)
    spans = zip(feedback.starts, feedback.starts[1:], strict=False)
    return {account: rows[start:end] for account, (start, end) in zip(accounts, spans, strict=True)}


def fetched(tables: Tables, as_of: datetime = AS_OF, collapse: bool = True) -> Groups:
    """The same by a plain fetch, ordered by Python; of equal rows the last stays."""
    columns = ", ".join(("account_id", "created_at", "priority", *STRING_COLUMNS))
    rows = tables.execute(
        f"SELECT hashtextextended(id, 0), {columns} FROM feedback_enriched "
        "WHERE account_id <> '' AND created_at >= %s AND created_at < %s",
        EARLIEST,
        as_of,
    )
    found: Groups = {}
    for _, account, *values in sorted(rows, key=lambda row: (row[1], row[2], row[0])):
        found.setdefault(account, []).append(tuple(values))
    if collapse:
        return {who: list(dict.fromkeys(reversed(rows)))[::-1] for who, rows in found.items()}
    return found


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
word = st.one_of(text, st.sampled_from(["NA", "null", '"', '""', ",", "\n", "\r\n", "\\.", "\\N"]))
moment = st.one_of(
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),
    st.datetimes(datetime(2024, 5, 31, 23, 59, 59, 999_998), datetime(2024, 6, 1, 0, 0, 0, 1)),
    st.sampled_from([datetime(2024, 5, 1), datetime(2024, 5, 2)]),
).map(lambda naive: naive.replace(tzinfo=timezone.utc))
row = st.fixed_dictionaries(
    {
        "account_id": st.one_of(st.none(), st.just(""), st.sampled_from("AB"), word),
        "created_at": moment,
        "priority": st.integers(-(2**31), 2**31 - 1),
        **{name: word for name in STRING_COLUMNS},
    }
)


@settings(
    max_examples=cases(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(row, max_size=12), st.integers(1, 4))
def test_random_rows_agree_with_a_plain_fetch(
    feedback: Tables, rows: list[dict[str, Any]], buckets: int
) -> None:
    feedback.execute("TRUNCATE feedback_enriched")
    feedback.add(rows)
    expected = fetched(feedback)
    with closing(connect("tens-insight test")) as connection:
        assert groups(read_feedback(connection, AS_OF)) == expected
    found = [groups(part) for part, _ in parts(buckets)]
    assert sum(map(len, found)) == len(expected)
    assert {account: rows for part in found for account, rows in part.items()} == expected


few = st.sampled_from(["a", "b"])
alike = st.fixed_dictionaries(
    {
        "account_id": st.sampled_from(["ACC-1", "ACC-2", None]),
        "created_at": st.sampled_from([AS_OF - MICROSECOND, AS_OF - 2 * MICROSECOND, AS_OF]),
        "priority": st.sampled_from([1, 2]),
        "sentiment": few,
        "product_area": few,
        "source": few,
        "topic": few,
        "customer_tier": few,
        "region": few,
    }
)
repeats = st.lists(st.tuples(alike, st.integers(1, 4)), max_size=8).flatmap(
    lambda drawn: st.permutations([row for row, times in drawn for _ in range(times)])
)


@settings(
    max_examples=cases(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(repeats)
def test_rows_equal_in_all_but_their_id_count_once(
    feedback: Tables, rows: list[dict[str, Any]]
) -> None:
    """Rows of the same moment lie between them in any order, since ids are ordered by a hash."""
    feedback.execute("TRUNCATE feedback_enriched")
    feedback.add(rows)
    every, once = fetched(feedback, collapse=False), fetched(feedback)
    with closing(connect("tens-insight test")) as connection:
        collapsed = read_feedback(connection, AS_OF)
        kept = read_feedback(connection, AS_OF, collapse_duplicates=False)
    assert (groups(collapsed), groups(kept)) == (once, every)
    assert kept.duplicate_rows == 0
    assert collapsed.duplicate_rows == sum(len(rows) - len(set(rows)) for rows in every.values())
    for account, rows_once in once.items():
        assert rows_once[-1] == every[account][-1]


@pytest.mark.parametrize("column", ["priority", *STRING_COLUMNS, "created_at", "account_id"])
def test_rows_that_differ_in_one_column_are_two_events(feedback: Tables, column: str) -> None:
    other = {"priority": 1, "created_at": AS_OF - MICROSECOND}.get(column, "other")
    feedback.add([{}, {column: other}, {"summary": "not read"}])
    assert read().duplicate_rows == 1
    assert len(read().created_us) == 2


def test_no_rows(feedback: Tables) -> None:
    empty = read()
    assert groups(empty) == {}
    assert empty.starts.tolist() == [0]
    assert empty.created_us.dtype == empty.numbers["priority"].dtype == np.int64


def test_one_row(feedback: Tables) -> None:
    moment = datetime(1999, 7, 20, 20, 17, 40, 123_456, tzinfo=timezone.utc)
    feedback.add([{"created_at": moment, "account_id": "ACC", "priority": 5}])
    values = ("neutral", "billing", "email", "invoice", "pro", "NA")
    assert groups(read()) == {"ACC": [(moment, 5, *values)]}
    assert read().created_us.tolist() == [932_501_860_123_456]


@pytest.mark.parametrize(
    "moment",
    [
        "infinity", "-infinity", "0044-03-15 12:00:00+00 BC", "20260-01-01", "0001-01-01",
        "1601-01-01", "1899-12-30", "1900-01-01", "1904-01-01", "1970-01-01", "1980-01-01",
        "1989-12-31 23:59:59.999999+00",
    ],
)  # fmt: skip
def test_impossible_moments_and_zero_dates_are_left_out(feedback: Tables, moment: str) -> None:
    inside = feedback.add([{"topic": "in"}, {"topic": "out"}])
    feedback.execute(
        "UPDATE feedback_enriched SET created_at = %s::timestamptz WHERE id = %s",
        moment,
        inside[1]["id"],
    )
    assert [row[5] for row in groups(read())["ACC-1"]] == ["in"]


def test_the_first_possible_moment_is_read(feedback: Tables) -> None:
    first = datetime(1990, 1, 1, tzinfo=timezone.utc)
    feedback.add([{"created_at": AS_OF - MICROSECOND}, {"created_at": first}])
    assert [row[0] for row in groups(read())["ACC-1"]] == [first, AS_OF - MICROSECOND]


def tie(tables: Tables) -> None:
    tables.add(
        {"id": f"tie {n}", "account_id": f"ACC-{n % 3}", "topic": str(n), "source": str(n % 7)}
        for n in range(600)
    )


def test_ties_keep_their_order_when_rows_move(feedback: Tables) -> None:
    tie(feedback)
    before = groups(read())
    assert before == fetched(feedback)
    feedback.execute("UPDATE feedback_enriched SET region = region WHERE hashtext(topic) % 3 = 0")
    with closing(psycopg2.connect(feedback.url)) as vacuum:
        vacuum.autocommit = True
        vacuum.cursor().execute("CLUSTER feedback_enriched USING feedback_enriched_pkey")
        vacuum.cursor().execute("VACUUM FULL feedback_enriched")
    assert groups(read()) == before
    topics = [row[5] for rows in before.values() for row in rows]
    assert sorted(topics) == sorted(map(str, range(600)))


def test_rows_of_many_blocks_agree_with_a_plain_fetch(
    feedback: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsed_rows, "_BLOCK_BYTES", 400)
    gc.freeze()  # hundreds of parts are parsed, and for each Arrow looks through what is not frozen
    feedback.add(
        {"account_id": f"ACC\n{n % 50}", "topic": f"a\n\n,b{n % 70}", "source": '"\r\n' * (n % 3)}
        for n in range(500)
    )
    assert groups(read()) == fetched(feedback)
    # What COPY sends is cut anywhere: in the midst of a row, and of a quoted value.
    monkeypatch.setattr(row_chunks, "CHUNK_BYTES", 50)
    found = [groups(part) for part, _ in parts(7)]
    assert {account: rows for part in found for account, rows in part.items()} == groups(read())
    assert min(map(len, found)) > 0


def test_rows_at_as_of_are_the_future(feedback: Tables) -> None:
    feedback.add([{"created_at": AS_OF - MICROSECOND, "topic": "before"}, {"created_at": AS_OF}])
    assert [row[5] for row in groups(read())["ACC-1"]] == ["before"]


def test_the_padding_of_char_columns_is_none_of_the_value(feedback: Tables) -> None:
    feedback.execute(
        "ALTER TABLE feedback_enriched ALTER account_id TYPE char(12), ALTER topic TYPE char(20)"
    )
    feedback.add([{}, {"account_id": " "}])
    feedback.churn([("ACC-1", AS_OF - timedelta(days=1))])
    everything = groups(read())
    assert list(everything) == ["ACC-1"]
    assert everything["ACC-1"][0][5] == "invoice"
    for found in ([(read(), read_all_churn(read()))], parts(3, churn=True)):
        assert churned_in(found) == {"ACC-1": [AS_OF - timedelta(days=1)]}


@pytest.mark.parametrize("column", ["priority", "sentiment", "topic", "region"])
def test_null_is_refused_by_name(feedback: Tables, column: str) -> None:
    feedback.add([{}, {column: None}, {column: None, "account_id": None}])
    with pytest.raises(ContractBroken, match=f"NULL are: {column} in 1 of 2 rows.*ETL"):
        read()


def churns(feedback: Feedback, source: ChurnSource = CHURN) -> dict[str, list[datetime]]:
    return by_account(feedback, read_all_churn(feedback, source))


def read_all_churn(feedback: Feedback, source: ChurnSource = CHURN) -> Churn:
    with closing(connect("tens-insight test")) as connection:
        return read_churn(connection, source, AS_OF, feedback.account_ids)


def churned_in(found: list[tuple[Feedback, Churn | None]]) -> dict[str, list[datetime]]:
    together: dict[str, list[datetime]] = {}
    for feedback, churn in found:
        assert churn is not None
        together.update(by_account(feedback, churn))
    return together


def by_account(feedback: Feedback, churn: Churn) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = {}
    for account, moment in zip(churn.account.tolist(), churn.churned_us.tolist(), strict=True):
        name = feedback.account_ids[account].as_py().decode()
        found.setdefault(name, []).append(EPOCH + moment * MICROSECOND)
    return found


def test_churn_dates_come_by_account_and_time(feedback: Tables) -> None:
    feedback.add([{"account_id": account} for account in ("ACC-1", "Ü,\n", "ACC-3", "ACC-4")])
    moments = [AS_OF - timedelta(days=days) for days in (30, 20, 10)]
    feedback.churn(
        [
            ("ACC-3", moments[2]),
            ("Ü,\n", moments[1]),
            ("ACC-3", moments[0]),
            ("unknown", moments[0]),
            ("ACC-1", AS_OF),
            ("ACC-3", moments[1] + MICROSECOND),
            (None, moments[0]),
            ("", moments[0]),
        ]
    )
    feedback.execute(
        "INSERT INTO account_churn SELECT 'ACC-1', moment::timestamptz FROM unnest(ARRAY["
        "'-infinity', NULL, 'infinity', '0044-03-15 BC', '20260-01-01', '1970-01-01', "
        "'0001-01-01']) AS moment"
    )
    assert churns(read()) == {
        "ACC-3": [moments[0], moments[1] + MICROSECOND, moments[2]],
        "Ü,\n": [moments[1]],
    }
    assert churned_in(parts(4, churn=True)) == churns(read())


def test_no_churn_at_all(feedback: Tables) -> None:
    feedback.add([{}])
    feedback.churn([("unknown", AS_OF - timedelta(days=1))])
    feedback.execute("DELETE FROM account_churn")
    assert churns(read()) == {}
    feedback.churn([("ACC-1", AS_OF - timedelta(days=1))])
    assert churns(read(AS_OF - timedelta(days=9))) == {}


@pytest.mark.parametrize(
    ("table", "create"),
    [
        ("crm.churn", 'CREATE TABLE crm.churn ("Kunde" text, "Am Tag" timestamptz)'),
        ('Left "Us"', 'CREATE TABLE "Left ""Us""" ("Kunde" text, "Am Tag" timestamptz)'),
        ("crm.SELECT", 'CREATE TABLE crm."SELECT" ("Kunde" text, "Am Tag" timestamptz)'),
    ],
)
def test_the_churn_table_is_named_exactly(feedback: Tables, table: str, create: str) -> None:
    feedback.add([{}])
    feedback.execute("CREATE SCHEMA crm")
    feedback.execute(create)
    quoted = create.split("TABLE ")[1].split(" (")[0]
    feedback.execute(f"INSERT INTO {quoted} VALUES ('ACC-1', '2024-05-01')")
    found = churns(read(), ChurnSource(table, "Kunde", "Am Tag"))
    assert found == {"ACC-1": [datetime(2024, 5, 1, tzinfo=timezone.utc)]}


def test_frozen_objects_are_counted_once(feedback: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """To count a million of them takes a tenth of a second, and there may be many buckets."""
    monkeypatch.setattr(parsed_rows, "_kept_frozen", threading.Event())
    counted = []
    monkeypatch.setattr(gc, "get_freeze_count", lambda: counted.append(1) or 1_000_000)
    feedback.add([{}])
    for _ in range(3):
        assert len(groups(read())) == 1
    assert counted == [1]


@pytest.mark.parametrize("frozen", [True, False])
def test_what_the_garbage_collector_passed_over_stays_so(
    feedback: Tables, frozen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsed_rows, "_kept_frozen", threading.Event())
    feedback.add([{"created_at": AS_OF - MICROSECOND}])
    gc.unfreeze()
    try:
        if frozen:
            gc.freeze()
        assert len(groups(read())) == 1
        assert (gc.get_freeze_count() > 0) is frozen
    finally:
        gc.freeze()


def test_a_worker_that_comes_too_late_is_told_why(tmp_path) -> None:
    with pytest.raises(StateUnusable, match=r"not in .*/gone.arrows on .* came too late; or this"):
        read_divided_feedback(f"{tmp_path}/gone.arrows", collapse_duplicates=True)
