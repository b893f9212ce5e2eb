"""Feedback is counted as it lies in the table, and the verdict is kept with its publication."""

from contextlib import closing
from datetime import timedelta

import numpy as np
import psycopg2
import pytest

from components.causes.feedback_counts import DIMENSIONS, FeedbackCounts, read_feedback_counts
from components.causes.record import read_causes, record_cause
from components.causes.verdict import PIPELINE
from components.feedback_example_gen.counted_days import DAYS, count_days
from components.feedback_example_gen.reading.feedback_reader import read_feedback_rows
from components.monitor.causes import explain_change
from components.monitor.executor import CHAINS
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.undo import undo
from tests.components.contributions.scored import AS_OF, Scored, ask, publish_day

CREATE = (
    "CREATE TABLE feedback_enriched (id text, created_at timestamptz, source text, product_area "
    "text, sentiment text, priority int, topic text, region text, customer_tier text, account_id "
    "varchar, summary text)"
)
FILL = """
INSERT INTO feedback_enriched
SELECT n::text, %s - n * interval '2 hours' - interval '1 second',
       CASE WHEN n % 3 > 0 THEN 'email' WHEN n < 100 THEN 'mail' ELSE 'chat' END, 'billing',
       'neutral', 1 + n % 5, 't', 'EU', ' pro ', 'A' || n % 9, 's'
FROM generate_series(0, 12 * 90 - 1) AS n"""


@pytest.fixture
def feedback(migrated_database):
    ask(migrated_database, CREATE)
    with closing(psycopg2.connect(migrated_database)) as one, one, one.cursor() as cursor:
        cursor.execute(FILL.replace(" % ", " %% "), (AS_OF,))
    return migrated_database


def counts(url, as_of=AS_OF):
    with closing(psycopg2.connect(url)) as one, one, one.cursor() as cursor:
        return read_feedback_counts(cursor, as_of)


def test_each_row_is_counted_once_in_each_dimension(feedback):
    found = counts(feedback)
    assert set(found.dimensions) == {*DIMENSIONS}
    for dimension in found.dimensions.values():
        assert dimension.rows.sum(axis=(1, 2, 3)).tolist() == [12] * DAYS
    assert found.dimensions["source"].values == ("chat", "email", "mail")
    assert found.dimensions["tier"].values == ("pro",)
    by_source = found.dimensions["source"].rows.sum(axis=(2, 3))
    assert by_source[-1].tolist() == [0, 8, 4]
    assert by_source[0].tolist() == [4, 8, 0]
    assert found.dimensions["area"].rows[:, 0, 1].sum(axis=0).tolist() == [202, 202, 202, 201, 201]
    assert found.last_year is None


def test_days_are_counted_back_from_as_of(feedback):
    ask(
        feedback, "DELETE FROM feedback_enriched WHERE created_at > %s", AS_OF - timedelta(hours=25)
    )
    found = counts(feedback).dimensions["region"].rows.sum(axis=(1, 2, 3))
    assert found.tolist() == [*[12] * (DAYS - 2), 11, 0]


def test_what_is_broken_or_missing_is_no_error(feedback):
    ask(
        feedback,
        "INSERT INTO feedback_enriched VALUES "
        "('x', %s, NULL, 'billing', 'neutral', 3, 't', '', 'pro', NULL, ''), "
        "('y', 'infinity', 'email', 'billing', 'neutral', 3, 't', 'EU', 'pro', NULL, ''), "
        "('z', %s, 'email', 'billing', 'mixed', 9, 't', 'EU', 'pro', NULL, '')",
        *[AS_OF - timedelta(days=1)] * 2,
    )
    found = counts(feedback)
    assert "" in found.dimensions["source"].values
    assert found.dimensions["source"].rows.sum() == 12 * DAYS + 1


def test_an_empty_table_is_no_error(feedback):
    ask(feedback, "TRUNCATE feedback_enriched")
    found = counts(feedback)
    assert all(one.rows.size == 0 for one in found.dimensions.values())


def test_the_year_before_is_counted_by_the_same_days_of_the_week(feedback):
    ask(
        feedback,
        "INSERT INTO feedback_enriched SELECT 'old' || id, created_at - interval '364 days', "
        "source, product_area, sentiment, priority, topic, region, customer_tier, account_id, "
        "summary FROM feedback_enriched WHERE id::int % 2 = 0",
    )
    found = counts(feedback).last_year
    assert found is not None
    assert np.array_equal(found, np.full(DAYS, 6))


def plain(found: FeedbackCounts):
    of_year = None if found.last_year is None else found.last_year.tolist()
    return of_year, {
        name: (one.values, one.rows.tolist()) for name, one in found.dimensions.items()
    }


def test_what_a_run_counted_and_the_rest_are_what_the_database_counts(feedback):
    """Rows at the ends of a day, without an account, twice there, and of what does not count."""
    ask(
        feedback,
        "INSERT INTO feedback_enriched SELECT n || moment::text, moment, 'email ', kind, kind, n, "
        "'t', ' É', 'pro', account, 's' "
        "FROM generate_series(0, 6) AS n, "
        "unnest(ARRAY[%s - interval '84 days', %s - interval '3 days', %s, "
        "%s - interval '364 days 1 microsecond', %s - interval '447 days']::timestamptz[]) AS at, "
        "unnest(ARRAY[interval '0', interval '1 microsecond']) AS later, "
        "LATERAL (SELECT at + later AS moment) AS moments, "
        "unnest(ARRAY['negative', 'positive', 'Positive']) AS kind, "
        "unnest(ARRAY['A1', 'A1', '', NULL]) AS account",
        *[AS_OF] * 5,
    )
    whole = counts(feedback)
    with closing(psycopg2.connect(feedback)) as one, one.cursor() as cursor:
        cursor.execute("SET timezone = 'UTC'")
        known = count_days(read_feedback_rows(one, AS_OF), AS_OF)
        rest = read_feedback_counts(cursor, AS_OF, known)
    assert plain(rest) == plain(whole)
    assert whole.last_year is not None
    assert known.last_year.sum() == whole.last_year.sum() / 2 > 0


def test_a_verdict_is_kept_replaced_and_goes_with_an_undo(feedback):
    number = publish_day(0, {"a": Scored([0, 0, 0])})
    for _ in range(2):
        found = record_cause(number, AS_OF, history_days=400, patience_s=0)
        assert (found.cause, found.days_ago) == (PIPELINE, 8)
    with closing(psycopg2.connect(feedback)) as one, one, one.cursor() as cursor:
        (kept,) = read_causes(cursor, 10)
        assert (kept.publication_id, kept.cause, kept.days_ago) == (number, PIPELINE, 8)
        assert "'chat' is missing for 8 days" in kept.evidence[0]
        assert "'mail'" in kept.evidence[0]
    undo(ACCOUNT_RISK_SCORES, reason="a test")
    with closing(psycopg2.connect(feedback)) as one, one, one.cursor() as cursor:
        assert read_causes(cursor, 10) == []


def test_old_verdicts_are_dropped(feedback):
    for day in (0, 10, 20):
        number = publish_day(day, {"a": Scored([0, 0, 0])})
        record_cause(number, AS_OF + timedelta(days=day), history_days=15, patience_s=0)
    kept = ask(feedback, "SELECT publication_id FROM tens_insight.score_causes ORDER BY 1")
    assert kept == [(2,), (3,)]


def test_it_is_a_step_of_monitor():
    assert any(explain_change in chain for chain in CHAINS)
