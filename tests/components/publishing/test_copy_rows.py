"""Whatever can be stored arrives as it was; whatever cannot is named."""

from contextlib import closing
from datetime import datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.errors import PublicationRefused
from components.postgres.connection import connect
from components.postgres.tables import Column, StagedTable
from components.publishing.copy_rows import RowStream
from tests.property_tests import cases

TARGET = StagedTable(
    name="anything",
    columns=(
        Column("name", "text"),
        Column("amount", "double precision"),
        Column("number", "integer"),
        Column("moment", "timestamptz"),
    ),
    key=("name",),
)
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=timezone(timedelta(hours=5, minutes=30)))
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
rows = st.tuples(
    st.one_of(texts, st.text("\\\t\r\n.N\"',", max_size=6)),
    st.one_of(st.floats(), st.integers(-(2**40), 2**40)),
    st.integers(-(2**31), 2**31 - 1),
    st.datetimes(datetime(1900, 1, 1), timezones=st.timezones()),
)


@pytest.fixture(scope="module")
def bare_table(postgres_server):
    name = postgres_server.create_database()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("DATABASE_URL", postgres_server.url(name))
        with closing(connect("tens-insight test")) as connection:
            connection.cursor().execute(
                "CREATE TABLE stored (place serial, name text, amount double precision, "
                "number integer, moment timestamptz)"
            )
            yield connection
    postgres_server.drop_database(name)


def _stored(connection, values: list[tuple]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE stored")
        copy = "COPY stored (name, amount, number, moment) FROM STDIN"
        cursor.copy_expert(copy, RowStream(TARGET, values))
        cursor.execute("SELECT name, amount, number, moment FROM stored ORDER BY place")
        return cursor.fetchall()


@settings(
    max_examples=cases(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(rows, max_size=20))
def test_every_value_arrives_as_it_was(bare_table, values: list[tuple]) -> None:
    stored = _stored(bare_table, values)
    assert len(stored) == len(values)
    for (name, amount, number, moment), row in zip(values, stored, strict=True):
        assert (name, number, moment) == (row[0], row[2], row[3])
        assert amount == row[1] or (amount != amount and row[1] != row[1])


def test_order_and_number_survive_many_batches(bare_table) -> None:
    values = [(f"A{n}", n / 7, n, MOMENT) for n in range(5_001)]
    assert _stored(bare_table, values) == values


def test_numpy_numbers_are_numbers(bare_table) -> None:
    values = [("a", np.float64(0.1), np.int64(3), MOMENT), ("b", np.float32(0.5), 4, MOMENT)]
    assert _stored(bare_table, values) == [("a", 0.1, 3, MOMENT), ("b", 0.5, 4, MOMENT)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("a\0b", 0.1, 1, MOMENT), "name holds a NUL"),
        (("\ud800", 0.1, 1, MOMENT), "name holds half a surrogate pair"),
        ((b"a", 0.1, 1, MOMENT), "name must be text"),
        ((None, 0.1, 1, MOMENT), "name must be text"),
        (("a", None, 1, MOMENT), "amount must be a number"),
        (("a", "0.1", 1, MOMENT), "amount must be a number"),
        (("a", True, 1, MOMENT), "amount must be a number"),
        (("a", 0.1, 1.5, MOMENT), "number must be a whole number"),
        (("a", 0.1, 1, MOMENT.replace(tzinfo=None)), "moment must be a datetime with a time zone"),
        (("a", 0.1, 1, "2026-01-01"), "moment must be a datetime"),
        (("a", 0.1, 1), "has 3 values, expected 4: name, amount, number, moment"),
    ],
)
def test_what_cannot_be_stored_is_named_with_its_row(row: tuple, said: str) -> None:
    good = ("a", 0.1, 1, MOMENT)
    stream = RowStream(TARGET, [*[good] * 2_500, row, good])
    with pytest.raises(PublicationRefused, match="row 2501 for anything") as caught:
        list(iter(stream.read, b""))
    assert said in str(caught.value)
    assert stream.error is caught.value


def test_the_sources_own_error_is_kept() -> None:
    stream = RowStream(TARGET, (1 / 0 for _ in range(3)))
    with pytest.raises(ZeroDivisionError):
        stream.read()
    assert isinstance(stream.error, ZeroDivisionError)


IN_TABLES = StagedTable(
    name="anything",
    columns=(
        Column("name", "text", nullable=True),
        Column("amount", "double precision"),
    ),
    key=("name",),
)


def _table(values: list[tuple]) -> pa.Table:
    names, amounts = zip(*values, strict=True) if values else ([], [])
    return pa.table(
        {"name": pa.array(names, pa.string()), "amount": pa.array(amounts, pa.float64())}
    )


@settings(
    max_examples=cases(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.one_of(st.none(), texts, st.text("\\\t\r\n.N\"',", max_size=6)), st.floats()
            ),
            max_size=9,
        ),
        max_size=3,
    )
)
def test_tables_arrive_to_the_last_bit(bare_table, parts: list[list[tuple]]) -> None:
    with bare_table.cursor() as cursor:
        cursor.execute("TRUNCATE stored")
        stream = RowStream(IN_TABLES, map(_table, parts))
        cursor.copy_expert("COPY stored (name, amount) FROM STDIN", stream)
        cursor.execute("SELECT name, amount FROM stored ORDER BY place")
        assert list(map(repr, cursor.fetchall())) == [repr(row) for part in parts for row in part]


def test_tables_are_sent_in_parts_and_in_their_order(bare_table) -> None:
    values = [(f"A{n}", n / 7) for n in range(5_001)]
    stream = RowStream(IN_TABLES, [_table(values[:4_500]).slice(0, 4_500), _table(values[4_500:])])
    sent = list(iter(stream.read, b""))
    assert len(sent) == 4
    lines = [line.split("\t") for line in b"".join(sent).decode().splitlines()]
    assert [(name, float(amount)) for name, amount in lines] == values


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pa.table({"amount": [0.1], "name": ["a"]}), "columns amount, name, expected name, amount"),
        (pa.table({"name": ["a"], "amount": ["0.1"]}), "amount .* is string, expected double"),
        (pa.table({"name": ["a", "b"], "amount": [0.1, None]}), "amount is missing in 1 of 2 rows"),
    ],
)
def test_tables_that_do_not_fit_are_refused(table: pa.Table, said: str) -> None:
    stream = RowStream(IN_TABLES, [table])
    with pytest.raises(PublicationRefused, match=said) as caught:
        stream.read()
    assert stream.error is caught.value
