"""Whether accounts must have left without a churn date: by how many are silent, and who leaves."""

from collections.abc import Callable
from typing import Any

import pytest
from scipy.stats import binom

from components.data_checker.checks import Check
from components.data_checker.population import _at_most, check_population
from components.verdicts import FAILED, PASSED, SKIPPED
from tests.components.sample_properties import examples_properties

FACTS: dict[str, Any] = {
    "silent_days": 180,
    "eval_cutoffs": "2026-04-02T00:00:00+00:00",
    "eval_examples": 1_000,
    "eval_churned": 47,
    "eval_silent": 300,
    "eval_silent_churned": 2,
    "score_cutoffs": "2026-06-01T00:00:00+00:00",
    "score_examples": 1_100,
    "score_churned": 0,
    "score_silent": 350,
}


@pytest.fixture
def checked(limits: Callable[..., Any]) -> Callable[..., list[Check]]:
    def check(splits: list[str], is_proposed: bool = False, **changes: Any) -> list[Check]:
        facts = {name: fact for name, fact in (FACTS | changes).items() if fact is not None}
        data = examples_properties(**facts)
        return list(check_population(data, splits, limits(), is_proposed=is_proposed))

    return check


SPLITS = ["train", "eval", "score"]


@pytest.mark.parametrize(
    ("changes", "verdict", "found"),
    [
        ({}, FAILED, 0.3),
        ({"eval_silent": 100, "eval_silent_churned": 0}, PASSED, 0.1),
        ({"eval_silent": 101, "eval_silent_churned": 0}, FAILED, 0.101),
        # Half as often as the others, and hardly less often.
        ({"eval_silent_churned": 11}, PASSED, 0.3),
        # Few departures, which may be by chance.
        ({"eval_churned": 9, "eval_silent_churned": 1}, PASSED, 0.3),
        ({"eval_churned": 0, "eval_silent_churned": 0}, PASSED, 0.3),
        ({"active_within_days": 180}, SKIPPED, 300 / 1_300),
    ],
)
def test_many_that_are_silent_and_never_leave_have_left(
    checked: Any, changes: dict[str, Any], verdict: str, found: float
) -> None:
    (check,) = checked(SPLITS, **changes)
    assert (check.verdict, check.found) == (verdict, pytest.approx(found, abs=1e-6))
    assert check.group == "population"
    assert bool(check.message) is (verdict != PASSED)


def test_without_labels_or_by_inactivity_nothing_is_asked(checked: Any) -> None:
    assert checked(["score"]) == []
    assert checked(SPLITS, eval_silent=None, eval_silent_churned=None) == []


def test_what_the_setting_would_do_is_in_numbers(checked: Any) -> None:
    (check,) = checked(SPLITS)
    assert check.message == (
        "300 of 1000 accounts of the evaluation cutoff had been silent for more than 180 days: "
        "30.0%; of these 2 churned within 60 days, 0.7%, and 6.4% of the others: they seem to have "
        "left without a churn date. With TENS_INSIGHT_ACTIVE_WITHIN_DAYS=180 nothing would learn "
        "from them, the base rate would be 6.4% in place of 4.7%, and 750 of 1100 accounts would "
        "be scored; where they are customers, allow more (TENS_INSIGHT_MAX_SILENT_SHARE)"
    )


def test_what_auto_would_do_is_the_same_of_examples_that_leave_the_silent_out(checked: Any) -> None:
    (check,) = checked(
        SPLITS,
        is_proposed=True,
        active_within_days=180,
        eval_examples=700,
        eval_churned=45,
        score_examples=750,
    )
    (other,) = checked(SPLITS)
    assert check.message == other.message.replace("=180 ", "=auto, which takes 180 days, ")


@pytest.mark.parametrize("is_proposed", [False, True])
def test_where_silent_accounts_are_scored_no_number_of_them_is_told(
    checked: Any, is_proposed: bool
) -> None:
    limit = {"active_within_days": 180} if is_proposed else {}
    (check,) = checked(SPLITS, is_proposed=is_proposed, silent_accounts="scored", **limit)
    assert check.verdict == FAILED
    assert "accounts would be scored" not in check.message


def test_a_split_that_is_drawn_from_more_accounts_is_counted_up(checked: Any) -> None:
    (check,) = checked(SPLITS, eval_examples=500, eval_churned=23, eval_available=1_000)
    assert check.message.startswith("300 of 1000 accounts")
    assert "in place of 4.6%" in check.message


@pytest.mark.parametrize("trials", [0, 1, 50, 30_000])
@pytest.mark.parametrize("probability", [0.0, 1e-4, 0.3, 0.999, 1.0])
def test_the_binomial_distribution_is_scipys(trials: int, probability: float) -> None:
    for successes in {0, trials // 3, trials}:
        if 0 < probability < 1:
            expected = binom.cdf(successes, trials, probability)
            assert _at_most(successes, trials, probability) == pytest.approx(expected, abs=1e-9)
        else:
            assert _at_most(successes, trials, probability) == 1.0
