"""The page says what the tables say, and nothing in them becomes markup."""

import pytest

from components.monitor.monitor_report import MonitorReport
from components.monitor.page.report import NothingMonitored, render
from components.monitor.page.scores import scores_answer
from components.monitor.page.series import begins, series_figure, weekly_growth
from components.monitor.page.truth import truth_answer
from components.monitor.page_content import PageContent
from components.page.words import visible
from tests.components.model_review.page.reading import elements, table, words
from tests.components.monitor.page import sample_content as samples

MOST_BYTES = 1_000_000


@pytest.mark.parametrize(
    "make", [samples.quiet, samples.alarmed, samples.first_run, samples.hostile]
)
def test_it_is_one_small_file_without_anything_active(make):
    page = render(make())
    assert len(page.encode()) < MOST_BYTES
    names = {one.tag for one in elements(page)}
    assert not names & {"script", "iframe", "object", "form"}
    assert "http" not in page.replace("http://www.w3.org", "").replace("http-equiv", "")


def test_a_quiet_week_says_so():
    page = words(render(samples.quiet()))
    assert "Nothing: no measure is outside of what its own history makes likely." in page
    assert "none open" in page


def test_an_open_alarm_is_the_first_sentence_and_its_measures_are_drawn():
    page = render(samples.alarmed())
    assert "1 alarm is open: since 2026-09-21" in words(page)
    assert "Alarm since 2026-09-21" in words(page)
    found = table(page, "Measures of the alarm")
    assert [row[1] for row in found.rows] == ["54.0%", "33.0%"]
    assert sum(one.tag == "svg" for one in elements(page)) >= 5


def test_a_former_alarm_names_its_measures_and_is_marked_in_a_picture():
    found = samples.alarmed()
    page = render(found)
    rows = table(page, "Alarms, newest first").rows
    assert [row[0] for row in rows] == ["2026-09-21", "2026-02-09"]
    assert "mean probability of churn_probability" in rows[1][2]
    (mean,) = (one for one in found.report.series if one.key == samples.MEAN)
    assert [one.moment for one in begins(found, mean)] == [samples.moment(5)]


def test_of_a_count_that_only_grows_the_growth_of_a_week_is_drawn():
    found = samples.quiet()
    rows = [100.0 + 9 * run for run in range(samples.RUNS)]
    one = samples.series(("", "", ":table", "churn rows"), rows, 4.0, 14.0, share=False)
    assert weekly_growth(found, one) == (None, *[9.0] * (samples.RUNS - 1))
    figure = series_figure(found, one, "", "")
    assert figure.table.rows[0].cells[1] == "9"
    assert figure.table.caption.startswith("churn rows added within a week")


def test_the_parts_of_the_change_are_told_the_largest_first():
    found = samples.quiet()
    assert "from 5.00% to 5.26%" in scores_answer(found)
    assert "silence (+0.310)" in scores_answer(found)
    rows = table(
        render(found), "From 2026-09-28 to 2026-10-05: the parts add up to the change"
    ).rows
    assert [row[0] for row in rows][:2] == ["silence", "accounts that left"]
    assert rows[-1][0] == "the whole change"


def test_realised_stands_beside_what_was_estimated_that_day():
    content = samples.quiet()
    said = truth_answer(content.outcomes.progress, content.course)
    assert "AUC 0.70 [0.66, 0.74]; 0.70 [0.66, 0.74] was estimated that day" in said


def test_a_first_run_says_what_is_not_known_yet():
    page = words(render(samples.first_run()))
    assert "there is not enough history to say what is usual" in page
    assert "the next window closes on 2026-02-02" in page
    assert "No alarm was ever opened" in page


def test_hostile_words_stay_words():
    page = render(samples.hostile())
    assert "<script" not in page
    assert "\u202e" not in page
    found = table(page, "The newest 1 of 1").rows
    assert words(found[0][0]) == words(visible(samples.HOSTILE))


def test_without_a_run_there_is_no_page():
    found = samples.first_run()
    empty = PageContent(
        MonitorReport((), (), (), 1.0), {}, {}, None, "", [], found.outcomes, found.course
    )
    with pytest.raises(NothingMonitored, match="no run was monitored yet"):
        render(empty)
