"""Volume against the run and the weeks before, at each threshold and beside it."""

from collections.abc import Callable
from typing import Any

import pytest

from components.data_checker.checks import Check
from components.data_checker.volume import check_volume
from tests.components.sample_properties import examples_properties

FACTS = {
    "late_rows": 0,
    "previous_as_of": "2024-05-25T00:00:00+00:00",
    "previous_feedback_rows": 10_000,
    "previous_scored": 1_000,
    "score_cutoffs": "",
    "score_examples": 1_000,
    "score_churned": 0,
    "rows_last_week": 200,
    "rows_weeks_before": 1_600,
}
VANISHED, POPULATION, WEEK = (
    "share of rows that vanished",
    "change of the accounts to score",
    "feedback of the last 7 days",
)


@pytest.fixture
def check(limits: Callable[..., Any]) -> Callable[..., dict[str, Check]]:
    def make(without: tuple[str, ...] = (), **changes: Any) -> dict[str, Check]:
        facts = {name: fact for name, fact in (FACTS | changes).items() if name not in without}
        data = examples_properties(**facts)
        return {one.name: one for one in check_volume(data, ["train", "score"], limits())}

    return make


def test_a_run_like_the_one_before_passes(check: Any) -> None:
    checks = check()
    assert {name: (one.verdict, one.found) for name, one in checks.items()} == {
        VANISHED: ("passed", 0.0),
        POPULATION: ("passed", 0.0),
        WEEK: ("passed", 1.0),
    }


@pytest.mark.parametrize(
    ("changes", "name", "verdict", "found"),
    [
        ({"late_rows": 5_000}, VANISHED, "passed", 0.0),
        ({"late_rows": -100}, VANISHED, "passed", 0.01),
        ({"late_rows": -101}, VANISHED, "failed", 0.0101),
        ({"score_examples": 800}, POPULATION, "passed", -0.2),
        ({"score_examples": 799}, POPULATION, "failed", -0.201),
        ({"score_examples": 1_201}, POPULATION, "failed", 0.201),
        ({"rows_last_week": 100}, WEEK, "passed", 0.5),
        ({"rows_last_week": 99}, WEEK, "failed", 0.495),
        ({"rows_last_week": 0}, WEEK, "failed", 0.0),
        ({"rows_last_week": 900}, WEEK, "passed", 4.5),
    ],
)
def test_each_bar(check: Any, changes: Any, name: str, verdict: str, found: float) -> None:
    checks = check(**changes)
    assert (checks[name].verdict, checks[name].found) == (verdict, found)
    others = {one.verdict for other, one in checks.items() if other != name}
    assert others == {"passed"}


def test_failures_say_what_was_before_and_which_setting(check: Any) -> None:
    checks = check(late_rows=-500, score_examples=500, rows_last_week=20)
    assert checks[VANISHED].message.startswith(
        "500 of the 10000 rows of feedback that the run as of 2024-05-25 read are gone"
    )
    assert "500 accounts are to be scored, and 1000 were" in checks[POPULATION].message
    assert "the last 7 days brought 20 rows" in checks[WEEK].message
    settings = ("MAX_VANISHED_SHARE", "MAX_ACCOUNTS_CHANGE", "MIN_WEEK_SHARE")
    for one, setting in zip(checks.values(), settings, strict=True):
        assert f"(TENS_INSIGHT_{setting})" in one.message


def test_without_an_earlier_run_or_nine_weeks_it_says_not_compared(check: Any) -> None:
    gone = ("late_rows", "previous_as_of", "previous_feedback_rows", "previous_scored")
    checks = check(without=(*gone, "rows_last_week", "rows_weeks_before"))
    assert {one.verdict for one in checks.values()} == {"skipped"}
    assert all("not compared" in one.message for one in checks.values())


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"rows_weeks_before": 799, "rows_last_week": 0}, WEEK),
        ({"rows_weeks_before": 0, "rows_last_week": 0}, WEEK),
        ({"previous_scored": 49, "score_examples": 5}, POPULATION),
        ({"previous_scored": 0}, POPULATION),
    ],
)
def test_too_little_data_raise_no_alarm(check: Any, changes: Any, name: str) -> None:
    one = check(**changes)[name]
    assert one.verdict == "skipped"
    assert "too few" in one.message
