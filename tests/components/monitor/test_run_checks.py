"""What the data checks decide is what monitoring says: one figure, one decision."""

from dataclasses import replace
from datetime import timedelta

import pytest

from components.data_checker.checks import Check
from components.monitor import watch as step
from components.monitor.measures import SHARE, Measure
from components.monitor.watch import watch
from tests.components.monitor.conftest import BEGIN

FAR = Check(
    "score against eval: region",
    "drift",
    ("score", "eval"),
    0.2,
    "<= 0.1",
    "warned",
    "region is far away",
    high=0.1,
)
NEAR = replace(FAR, found=0.05, verdict="passed", message="")
NOT_SURE = replace(FAR, verdict="skipped", message="too few accounts")
ROWS = (
    "SELECT metric, value, baseline, compared_with, usual_low, usual_high, statistic, alarm, "
    "opened_at FROM tens_insight.drift_metrics WHERE statistic = 'limit' "
    "AND window_end = (SELECT max(window_end) FROM tens_insight.drift_metrics) ORDER BY metric"
)


@pytest.fixture
def watched(monitored, monkeypatch):
    """Watches a run whose data checks are given, and a share that says nothing."""

    def run(week, *checks, share=0.2):
        one = Measure("source", SHARE, "share of events", share, ":table", "source", "email", 1_400)
        monkeypatch.setattr(step, "measure_data", lambda run: iter([one]))
        return watch(replace(monitored(week), checks=checks)).alarms

    return run


def test_the_figure_the_limit_and_the_verdict_are_those_of_the_check(publications, watched):
    counted = Check("rows of a day", "truth", (), 3, "<= 5", "passed", "", high=5)
    moved = Check("change", "volume", ("score",), -0.3, "within 0.2", "warned", "m", -0.2, 0.2)
    of_eval = replace(FAR, name="eval against train: region", splits=("eval", "train"))
    words = Check("score: schema", "schema", ("score",), "none", "none", "passed", "")
    assert watched(0, FAR, counted, moved, of_eval, words) == ()
    rows = publications.execute(ROWS)
    assert rows == [
        ("change", -0.3, "previous", "", -0.2, 0.2, "limit", True, BEGIN),
        ("rows of a day", 3, "setting", "", None, 5, "limit", False, None),
        ("score against eval: region", 0.2, "training", "m-1", None, 0.1, "limit", True, BEGIN),
    ]


def test_an_alarm_of_a_limit_lasts_as_long_as_the_check_fails(publications, watched):
    for week in range(12):
        watched(week, FAR)
    ((*_, alarm, opened_at),) = publications.execute(ROWS)
    assert (alarm, opened_at) == (True, BEGIN)
    watched(12, NEAR)
    ((*_, alarm, opened_at),) = publications.execute(ROWS)
    assert (alarm, opened_at) == (False, None)
    watched(13, NOT_SURE)
    ((*_, alarm, opened_at),) = publications.execute(ROWS)
    assert (alarm, opened_at) == (False, None)


def test_a_limit_that_fails_for_long_does_not_date_other_alarms(publications, watched):
    for week in range(20):
        watched(week, FAR, share=0.2 + 0.004 * (week % 3))
    (told,) = watched(20, FAR, share=0.6)
    assert told.startswith(f"since {BEGIN + timedelta(weeks=20):%Y-%m-%d}")
    assert "region" not in told
