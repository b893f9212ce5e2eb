"""The content of the page is what the runs recorded, in a real database."""

from contextlib import closing
from datetime import timedelta

import psycopg2

from components.monitor.page.report import render
from components.monitor.page_content import ChangePart, UsualRange, read_content
from tests.components.model_review.page.reading import words
from tests.components.monitor.conftest import BEGIN

KEY = ("sentiment", "negative", ":table", "share of events")
MEASURED = (
    "INSERT INTO tens_insight.{} (window_start, window_end, granularity, run_id, publication_id, "
    "model_version, slice_key, slice_value, column_name, metric, value{}) VALUES "
    "(%s, %s, '7 days', %s, %s, 'm-1', 'sentiment', 'negative', ':table', 'share of events', %s{})"
)


def content(publications):
    with closing(psycopg2.connect(publications.url)) as connection:
        connection.set_session(readonly=True)
        with connection.cursor() as cursor:
            return read_content(cursor, 30, 1.0)


def record(publications, week, value):
    """Records a run of a week: one measure, what was usual, one part, and a performance."""
    as_of = BEGIN + timedelta(weeks=week)
    number = publications.publish(as_of)
    own = (as_of - timedelta(days=7), as_of, f"run-{week}", number, value)
    publications.execute(MEASURED.format("profile_metrics", "", ""), *own)
    publications.execute(
        MEASURED.format(
            "drift_metrics",
            ", baseline, compared_with, usual_low, usual_high, statistic, alarm",
            ", 'previous', '', 0.2, 0.4, 'jump', false",
        ),
        *own,
    )
    publications.execute(
        "INSERT INTO tens_insight.score_changes VALUES (%s, %s, 'group', 'silence', 9, 0.001)",
        number,
        number - 1,
    )
    publications.execute(
        "UPDATE tens_insight.publications SET horizon_days = 60, horizons = '{60}'"
    )
    publications.execute(
        "INSERT INTO tens_insight.model_performance VALUES "
        "(%s, 60, 'estimated', 'overall', '', '', 'auc', 0.7, 0.6, 0.8, 'm-1', %s)",
        number,
        as_of,
    )
    publications.execute(
        "INSERT INTO tens_insight.missed_churn (account_id, left_at, publication_id, horizon_days, "
        "as_of, model_version, churn_probability, events_after, negative_after, neutral_after, "
        "positive_after, critical_after) VALUES (%s, %s, %s, 60, %s, 'm-1', 0.01, 0, 0, 0, 0, 0)",
        f"ACC-{week}",
        as_of,
        number,
        as_of,
    )
    return as_of


def test_nothing_is_there_before_the_first_run(publications):
    found = content(publications)
    assert (found.report.runs, found.usual, found.change, found.course) == ((), {}, None, [])


def test_what_runs_recorded_is_read_oldest_first(publications):
    moments = [record(publications, week, 0.3 + week / 100) for week in range(3)]
    found = content(publications)
    assert [one.window_end for one in found.report.runs] == moments
    (one,) = (one for one in found.report.series if one.key == KEY)
    assert one.values == (0.3, 0.31, 0.32)
    assert found.usual[(KEY, moments[1])] == UsualRange(0.2, 0.4)
    assert found.parts == [ChangePart(moment, "group", "silence", 0.001) for moment in moments]
    assert [(one.as_of, one.value) for one in found.course] == [(moment, 0.7) for moment in moments]
    assert [one.account_id for one in found.outcomes.missed] == ["ACC-2", "ACC-1", "ACC-0"]
    assert found.change is None
    assert "is not kept" in found.change_missing
    assert "Now 32.0%, usual is 20.0% to 40.0%" in words(render(found))
