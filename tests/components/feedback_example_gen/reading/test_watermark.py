"""What the database held at as_of: counts that miss no row and count none twice."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

import psycopg2.extensions
import pytest

from components.errors import ContractBroken
from components.feedback_example_gen.reading.watermark import PreviousRun, Watermark, read_watermark
from components.postgres.connection import connect

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
TICK = timedelta(microseconds=1)

Tables = Any


def ago(days: float) -> datetime:
    return AS_OF - timedelta(days=days)


@pytest.fixture
def connection(feedback: Tables) -> Iterator[Any]:
    with closing(connect("tens-insight test")) as connection:
        yield connection


def test_no_rows(connection: Any) -> None:
    assert read_watermark(connection, AS_OF) == Watermark(0, 0, 0, 0, None, None, None)


def test_every_row_is_counted_once(feedback: Tables, connection: Any) -> None:
    feedback.add({"created_at": ago(days)} for days in (3, 9, 6))
    feedback.add({"created_at": ago(days), "account_id": None} for days in (1, 20))
    feedback.add([{"created_at": ago(30), "account_id": ""}, {"created_at": AS_OF - TICK}])
    feedback.add([{"created_at": AS_OF}, {"created_at": None}])
    rows = feedback.add([{}, {}, {}])
    for row, moment in zip(rows, ("infinity", "-infinity", "0044-03-15 BC"), strict=True):
        feedback.execute(
            f"UPDATE feedback_enriched SET created_at = '{moment}' WHERE id = %s", row["id"]
        )
    assert read_watermark(connection, AS_OF) == Watermark(
        rows=7,
        rows_without_account=3,
        rows_in_future=2,
        rows_without_date=3,
        late_rows=None,
        first=ago(9),
        newest=AS_OF - TICK,
        last_week_rows=4,
        weeks_before_rows=3,
    )


def test_the_last_week_and_the_eight_before_it_share_no_row(
    feedback: Tables, connection: Any
) -> None:
    feedback.add({"created_at": AS_OF - TICK, "account_id": None} for _ in range(2))
    feedback.add({"created_at": ago(7)} for _ in range(3))
    feedback.add({"created_at": ago(7) - TICK} for _ in range(5))
    feedback.add({"created_at": ago(63)} for _ in range(7))
    feedback.add([{"created_at": ago(63) - TICK}, {"created_at": AS_OF}])
    found = read_watermark(connection, AS_OF)
    assert (found.last_week_rows, found.weeks_before_rows) == (5, 12)


def test_rows_without_account_alone_have_no_range(feedback: Tables, connection: Any) -> None:
    feedback.add([{"account_id": None}])
    found = read_watermark(connection, AS_OF)
    assert (found.rows, found.rows_without_account) == (1, 1)
    assert found.first is None
    assert found.newest is None


def publication(tables: Tables, as_of: datetime, feedback_rows: int | None) -> None:
    tables.execute(
        "INSERT INTO tens_insight.publications (attempt, target_table, as_of, model_version, "
        "label_source, rows_written, rows_removed, category_shares, feedback_rows, run_id, "
        "published_by) VALUES "
        "(gen_random_uuid(), 'account_risk_scores', %s, 'm', 'inactivity', 1, 0, '{}', %s, "
        "'r', 'test')",
        as_of,
        feedback_rows,
    )


def test_late_rows_are_those_that_were_not_there_then(feedback: Tables, connection: Any) -> None:
    feedback.add({"created_at": ago(days)} for days in (9, 8, 7, 6, 5))
    publication(feedback, ago(7), 2)
    found = read_watermark(connection, AS_OF)
    assert found.late_rows == 0
    assert found.previous == PreviousRun(as_of=ago(7), feedback_rows=2, scored=1)
    feedback.add([{"created_at": ago(7) - TICK}, {"created_at": ago(7)}])
    feedback.add([{"created_at": None}])
    connection.rollback()
    assert read_watermark(connection, AS_OF).late_rows == 1
    feedback.execute("DELETE FROM feedback_enriched")
    connection.rollback()
    assert read_watermark(connection, AS_OF).late_rows == -2


def test_only_an_earlier_publication_that_counted_is_compared(
    feedback: Tables, connection: Any
) -> None:
    feedback.add({"created_at": ago(days)} for days in (9, 8))
    publication(feedback, AS_OF, 50)
    publication(feedback, ago(1), None)
    assert read_watermark(connection, AS_OF).late_rows is None


def test_a_database_without_our_tables_has_published_nothing(
    feedback: Tables, connection: Any
) -> None:
    feedback.execute("DROP SCHEMA tens_insight CASCADE")
    assert read_watermark(connection, AS_OF).late_rows is None


def test_a_missing_right_is_named(
    feedback: Tables, password_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = urlsplit(password_url).username
    feedback.execute(f'GRANT SELECT ON feedback_enriched TO "{user}"')
    feedback.execute(f'GRANT USAGE ON SCHEMA tens_insight TO "{user}"')
    monkeypatch.setenv("DATABASE_URL", password_url)
    with (
        closing(connect("tens-insight test")) as reader,
        pytest.raises(ContractBroken, match="publications.*GRANT SELECT"),
    ):
        read_watermark(reader, AS_OF)


def test_several_processes_share_the_scan_of_a_large_table(
    feedback: Tables, connection: Any
) -> None:
    feedback.execute(
        "INSERT INTO feedback_enriched (id, created_at, account_id, summary) "
        "SELECT n, '2024-01-01'::timestamptz + n * interval '1 minute', n % 100, repeat('x', 400) "
        "FROM generate_series(1, 20000) AS n"
    )
    feedback.execute("ANALYZE feedback_enriched")
    with connection.cursor() as cursor:
        cursor.execute("SET min_parallel_table_scan_size = '1MB'; SET parallel_setup_cost = 100")
    connection.cursor_factory = Explained
    read_watermark(connection, AS_OF)
    plan = "\n".join(Explained.plan)
    assert "Partial HashAggregate" in plan, plan


class Explained(psycopg2.extensions.cursor):
    """Keeps the plan of what reads the feedback."""

    plan: tuple[str, ...] = ()

    def execute(self, query: Any, values: Any = None) -> None:
        text = self.mogrify(query, values).decode()
        if "feedback_enriched" in text:
            super().execute(f"EXPLAIN {text}")
            Explained.plan = tuple(line for (line,) in self.fetchall())
        super().execute(query, values)
