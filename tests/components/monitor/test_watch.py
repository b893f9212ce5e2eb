"""What Monitor writes to a real database, run after run."""

from datetime import timedelta

import numpy as np
import pytest

from components.errors import ContractBroken, DatabaseUnreachable
from components.monitor import watch as step
from components.monitor.executor import take_steps
from components.monitor.measures import DISTANCE, FACT, LEVEL, SCORE, SHARE, TRAINING, Measure
from components.monitor.monitored_run import Noticed
from components.monitor.watch import watch
from tests.components.monitor.conftest import BEGIN

DRIFT = "SELECT metric, slice_value, alarm, opened_at, statistic FROM tens_insight.drift_metrics "


@pytest.fixture
def measured(monkeypatch):
    """Says what the next run measures: the share of a source, and what else is given."""

    def say(share, *others):
        one = Measure(
            "source",
            SHARE,
            "share of events",
            share,
            ":table",
            "source",
            "email",
            1_400,
            fresh=True,
        )
        monkeypatch.setattr(step, "measure_data", lambda run: iter([one, *others]))

    return say


@pytest.fixture
def weeks(monitored, measured):
    """Measures so many weeks of a share about 0.2."""

    def run(count, first=0):
        rng = np.random.default_rng(3)
        for week in range(first, first + count):
            measured(rng.binomial(1_400, 0.2) / 1_400)
            told = watch(monitored(week))
            assert told.alarms == ()

    return run


def test_rows_say_what_when_and_of_which_publication(publications, monitored, measured):
    far = Measure("distance", LEVEL, DISTANCE, 0.25, SCORE, baseline=TRAINING, of_model=True)
    measured(0.2, far, Measure("age", FACT, "days since training", 3.0))
    run = monitored(0)
    told = watch(run)
    assert told.alarms == ()
    ((start, end, length, number, model, value, behind),) = publications.execute(
        "SELECT window_start, window_end, granularity, publication_id, model_version, value, "
        "observations FROM tens_insight.profile_metrics WHERE slice_value = 'email'"
    )
    assert (end - start, end, length) == (timedelta(days=7), BEGIN, "7 days")
    assert (number, model) == (run.published.publication_id, "m-1")
    assert (value, behind) == (0.2, 1_400)
    baselines = dict(
        publications.execute(
            "SELECT metric, (baseline, compared_with)::text FROM tens_insight.drift_metrics"
        )
    )
    assert baselines[DISTANCE] == "(training,m-1)"
    assert baselines["share of events"] == '(previous,"")'
    assert "days since training" not in baselines


def test_a_run_that_is_done_again_leaves_the_same_rows(publications, monitored, measured, weeks):
    weeks(5)
    measured(0.01)
    run = monitored(5)
    rows = "SELECT * FROM tens_insight.{} ORDER BY 2, 4, 8, 9, 10, 11"
    both = []
    for _ in range(2):
        assert len(watch(run).alarms) == 1
        both.append(
            [publications.execute(rows.format(one)) for one in ("profile_metrics", "drift_metrics")]
        )
    assert both[0] == both[1]


def test_an_alarm_opens_once_and_closes(publications, monitored, measured, weeks):
    weeks(20)
    measured(0.0)
    (first,) = watch(monitored(20)).alarms
    assert first.startswith("since 2026-05-25: source 'email': share of events is 0.0%")
    assert "usual are" in first
    (second,) = watch(monitored(21)).alarms
    assert second == first
    opened = publications.execute(DRIFT + "WHERE alarm ORDER BY window_end")
    assert [row[0] for row in opened] == ["share of events"] * 2
    assert {row[3] for row in opened} == {BEGIN + timedelta(weeks=20)}
    measured(0.2)
    assert watch(monitored(22)).alarms == ()


def test_what_moves_at_one_moment_is_one_alarm(monitored, measured, weeks):
    weeks(20)
    other = Measure("unseen", SHARE, "unseen", 0.0, "source", observations=1_400, fresh=True)
    for week in range(20, 26):
        measured(0.2, other)
        watch(monitored(week))
    measured(0.0, Measure("unseen", SHARE, "unseen", 0.2, "source", observations=1_400))
    (told,) = watch(monitored(26)).alarms
    assert told.endswith("; and 1 more measures")


def test_an_undone_publication_is_no_history(publications, monitored, measured, weeks):
    weeks(8)
    for week in range(8, 16):
        measured(0.6)
        run = monitored(week)
        watch(run)
        publications.execute(
            "UPDATE tens_insight.publications SET undone_at = now(), undone_by = 'me', "
            "undo_reason = 'a test' WHERE publication_id = %s",
            run.published.publication_id,
        )
    measured(0.6)
    assert len(watch(monitored(16)).alarms) == 1
    ((compared,),) = publications.execute(
        "SELECT compared_with FROM tens_insight.drift_metrics "
        "WHERE slice_value = 'email' AND window_end = %s",
        BEGIN + timedelta(weeks=16),
    )
    assert compared == (BEGIN + timedelta(weeks=7)).isoformat()


def test_old_rows_go(publications, monitored, measured):
    measured(0.2)
    watch(monitored(0, history_days=30))
    watch(monitored(4, history_days=30))
    watch(monitored(5, history_days=30))
    for table in ("profile_metrics", "drift_metrics"):
        found = publications.execute(
            f"SELECT DISTINCT window_end FROM tens_insight.{table} ORDER BY 1"
        )
        assert [end for (end,) in found] == [BEGIN + timedelta(weeks=one) for one in (4, 5)]


def test_a_column_that_changes_is_an_alarm(publications, monitored, measured):
    measured(0.2)
    publications.execute("CREATE TABLE feedback_enriched (id text, source text)")
    assert watch(monitored(0)).alarms == ()
    assert watch(monitored(1)).alarms == ()
    publications.execute("ALTER TABLE feedback_enriched ALTER source TYPE varchar")
    publications.execute("ALTER TABLE feedback_enriched ADD channel text")
    (told,) = watch(monitored(2)).alarms
    assert "changed columns of feedback_enriched is 2" in told
    assert watch(monitored(3)).alarms == ()
    ((columns,),) = publications.execute(
        "SELECT sketch FROM tens_insight.profile_metrics WHERE metric = 'columns' "
        "ORDER BY window_end DESC LIMIT 1"
    )
    assert columns == {"channel": "text", "id": "text", "source": "character varying"}


def test_refusals_since_the_publication_before_are_counted(publications, monitored, measured):
    measured(0.2)
    watch(monitored(0))
    publications.execute(
        "INSERT INTO tens_insight.refusals (attempt, target_table, as_of, model_version, run_id, "
        "rows_staged, category_shares, broken_limits, refused_by, refused_at) "
        "VALUES (gen_random_uuid(), 'account_risk_scores', now(), 'm', 'r', 1, '{}', '{}', 'me', "
        "%s)",
        BEGIN + timedelta(days=1),
    )
    watch(monitored(1))
    watch(monitored(2))
    found = publications.execute(
        "SELECT value FROM tens_insight.profile_metrics WHERE metric = 'refused publications' "
        "ORDER BY window_end"
    )
    assert found == [(0,), (1,), (0,)]


def test_what_is_known_of_the_performance_is_watched(publications, monitored, measured):
    measured(0.2)
    first = monitored(0)
    watch(first)
    add = (
        "INSERT INTO tens_insight.model_performance (publication_id, horizon_days, kind, slice, "
        "slice_value, band, metric, value, model_version, as_of) "
        "VALUES (%s, 60, %s, 'overall', '', '', 'auc', %s, 'm-1', %s)"
    )
    number = first.published.publication_id
    publications.execute(add, number, "realised", 0.7, BEGIN)
    second = monitored(1)
    publications.execute(add, second.published.publication_id, "estimated", 0.75, second.as_of)
    watch(second)
    found = publications.execute(
        "SELECT metric, value, window_end FROM tens_insight.profile_metrics "
        "WHERE metric LIKE '%%auc' ORDER BY metric"
    )
    at = BEGIN + timedelta(weeks=1)
    assert found == [("estimated auc", 0.75, at), ("realised auc", 0.7, at)]


def test_without_the_table_nothing_is_said_to_be_well(publications, monitored, measured):
    measured(0.2)
    run = monitored(0)
    publications.execute("DROP TABLE tens_insight.drift_metrics")
    with pytest.raises(ContractBroken, match="drift_metrics"):
        watch(run)
    assert publications.execute("SELECT count(*) FROM tens_insight.profile_metrics") == [(0,)]


def test_a_failed_step_says_that_the_scores_are_published_and_others_are_taken(monitored):
    taken = []

    def fails(run):
        raise DatabaseUnreachable("No answer.")

    def works(run):
        taken.append(run.run_id)
        return Noticed(1)

    run = monitored(0)
    with pytest.raises(DatabaseUnreachable, match=r"scores are published \(publication \d+\)"):
        take_steps(((fails, works), (works,)), run)
    assert taken == 2 * [run.run_id]
    assert take_steps(((works,), (works, works)), run) == Noticed(3)
