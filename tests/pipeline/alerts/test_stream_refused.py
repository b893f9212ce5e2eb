"""What the circuit breaker refuses of a stream is told by name, until something is published."""

from contextlib import closing
from dataclasses import replace

import pytest

from components.errors import PublicationRefused
from components.postgres.connection import connect
from components.postgres.queries import queries
from components.publishing.increment_line import STREAM_RUN
from tests.components.conftest import FeedbackTables
from tests.components.streaming.streamed import LAX, opened, run, stream, write


def told():
    with closing(connect("tens-insight test")) as connection, connection.cursor() as cursor:
        cursor.execute(queries("pipeline.alerts")["stream_refused"], {"stream": STREAM_RUN})
        return cursor.fetchall()


def test_a_refusal_of_the_stream_is_told_until_something_is_published(migrated_database):
    tables = FeedbackTables(migrated_database)
    write(tables, *(f"ACC-{n}" for n in range(8)), ago=1)
    run(tables)
    with opened(stream()) as one:
        while one.step().sweeping:
            pass
    assert told() == []
    write(tables, "ACC-1")
    strict = replace(LAX, max_moved_share=0.01, moved_threshold=0.0001)
    with (
        opened(stream(strict)) as one,
        pytest.raises(PublicationRefused, match="set to the reason"),
    ):
        one.step()
    ((number, version, limits, _),) = told()
    assert (number, version) == (1, "model-1")
    assert "moved" in limits[0]
    renamed = "UPDATE tens_insight.refusals SET run_id = %s WHERE run_id = %s RETURNING run_id"
    ((name,),) = tables.execute("SELECT run_id FROM tens_insight.refusals")
    tables.execute(renamed, "run-1", name)
    assert told() == []  # a run's is told as such
    tables.execute(renamed, name, "run-1")
    assert len(told()) == 1
    with opened(stream()) as one:
        one.step()
    assert told() == []
    # Either is enough: what the stream has committed, or what was published.
    tables.execute("UPDATE tens_insight.publications SET published_at = '2026-01-01'")
    assert told() == []
    tables.execute("UPDATE tens_insight.stream_positions SET committed_at = '2026-01-01'")
    assert len(told()) == 1
    run(tables)
    assert told() == []
