"""Every moment that Postgres can hold is read; those beyond Python's years as its first or last."""

from contextlib import closing
from datetime import datetime, timezone

import pytest

from components.postgres.connection import connect

FIRST = datetime.min.replace(tzinfo=timezone.utc)
LAST = datetime.max.replace(tzinfo=timezone.utc)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Amsterdam", "Africa/Monrovia", "Asia/Kolkata"])
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("infinity", LAST),
        ("294276-12-31 23:59:59.999999+00", LAST),
        ("20260-01-01 00:00+00", LAST),
        ("9999-12-31 23:59:59.999999+00", LAST),
        ("2026-06-01 12:00:00.5+02", datetime(2026, 6, 1, 10, 0, 0, 500_000, timezone.utc)),
        ("1890-01-01 00:00:00+00", datetime(1890, 1, 1, tzinfo=timezone.utc)),
        ("0001-01-01 00:00:00+00", FIRST),
        ("0044-03-15 00:00:00+00 BC", FIRST),
        ("4713-01-01 00:00:00+00 BC", FIRST),
        ("-infinity", FIRST),
        (None, None),
    ],
)
def test_a_moment_is_read_in_utc_whatever_the_sessions_zone(database, zone, text, moment):
    with closing(connect("tens-insight test")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, false)", (zone,))
        cursor.execute("SELECT %s::timestamptz, (%s::timestamptz AT TIME ZONE 'UTC')", (text, text))
        (read, local), *_ = cursor.fetchall()
        assert read == moment
        assert local == (None if moment is None else moment.replace(tzinfo=None))
        if read is not None:
            assert read.tzinfo is timezone.utc
