"""Binary rows arrive in Postgres as they were."""

from contextlib import closing

import numpy as np
import psycopg2
import pyarrow as pa
import pytest

from components.postgres.copying import Parts, copy_in
from components.publishing.binary_rows import binary_rows

TEXTS = ["ACC-1", "Ü-ß", "日本", 'a"b', "a\nb", "a\tb", "\\N", "", " "]
NUMBERS = np.array([0, -0.0, 1e-45, 3.4e38, -1.5, 0.1, 1e-9, 7, 2**24 + 1], np.float32)


def lists(matrix):
    starts = pa.array(np.arange(len(matrix) + 1) * matrix.shape[1], pa.int32())
    return pa.ListArray.from_arrays(starts, pa.array(matrix.ravel()))


def stored(url, tables, first=None):
    with closing(psycopg2.connect(url)) as one, one.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE stored (number bigint, name text, amount real, amounts real[], tier text)"
        )
        named = (
            "name, amount, amounts, tier"
            if first is None
            else "number, name, amount, amounts, tier"
        )
        copy_in(
            cursor,
            f"COPY stored ({named}) FROM STDIN (FORMAT binary)",
            Parts(binary_rows(tables, first)),
        )
        taken = cursor.rowcount
        cursor.execute("SELECT *, array_send(amounts) FROM stored")
        rows = cursor.fetchall()
        assert taken == len(rows)
        # Postgres makes the same bytes of the same values.
        cursor.execute(
            "SELECT count(*) FROM stored "
            "WHERE array_send(amounts) = array_send(amounts::text::real[])"
        )
        assert cursor.fetchone() == (sum(row[3] is not None for row in rows),)
        return rows


@pytest.mark.parametrize("size", [1, 3])
def test_what_is_sent_is_stored(database, size):
    matrix = np.stack([np.roll(NUMBERS, one) for one in range(size)], axis=1)
    table = pa.table(
        {
            "name": TEXTS,
            "amount": pa.array(NUMBERS),
            "amounts": lists(matrix),
            "tier": pa.array([None, *TEXTS[1:]]),
        }
    )
    rows = stored(database, [table.slice(0, 4), table.slice(4, 0), table.slice(4)], first=2**40)
    assert [row[0] for row in rows] == [2**40] * len(TEXTS)
    assert [row[1] for row in rows] == TEXTS
    assert np.array_equal(np.array([row[2] for row in rows], np.float32), NUMBERS)
    assert np.array_equal(np.array([row[3] for row in rows], np.float32), matrix)
    assert [row[4] for row in rows] == [None, *TEXTS[1:]]


def test_columns_of_nulls_are_null(database):
    kinds = {"name": pa.string(), "amount": pa.float32(), "amounts": pa.list_(pa.float32())}
    table = pa.table({name: pa.nulls(2, kind) for name, kind in kinds.items()})
    table = table.append_column("tier", pa.array(["a", None]))
    assert [row[1:5] for row in stored(database, [table])] == [
        (None, None, None, "a"),
        (None, None, None, None),
    ]


def test_no_row_is_no_error(database):
    assert stored(database, []) == []


def test_lists_of_several_lengths_are_refused():
    table = pa.table({"amounts": pa.array([[1.0, 2.0], [3.0]], pa.list_(pa.float32()))})
    with pytest.raises(ValueError, match="one length"):
        list(binary_rows([table]))
