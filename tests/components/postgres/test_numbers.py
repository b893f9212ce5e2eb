"""Numbers of numpy reach the database as numbers, whatever their repr says."""

from contextlib import closing

import numpy as np
import pytest

from components.postgres.connection import connect


class WordyFloat(float):
    """A float whose repr is a call, as that of numpy.float64 is from numpy 2 on."""

    def __repr__(self):
        return f"np.float64({float(self)})"


@pytest.mark.parametrize("kind", [WordyFloat, np.float64, float])
def test_a_float_is_written_as_its_value(migrated_database, monkeypatch, kind):
    monkeypatch.setenv("DATABASE_URL", migrated_database)
    with closing(connect("a test")) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT %s::float8, %s::float8[], %s::float8", (kind(0.1), [kind(1e-300)], kind("nan"))
        )
        one, several, unknown = cursor.fetchone()
    assert (one, several) == (0.1, [1e-300])
    assert np.isnan(unknown)
