"""Unseen words and missing values, on statistics that TFDV computed."""

from collections.abc import Callable
from typing import Any

import pytest

from components.data_checker.checks import Check
from components.data_checker.value_checks import (
    UNSEEN_PAIRS,
    check_missing,
    check_unseen,
    known_words,
)
from transforms import columns, event_spec

EVAL, SCORE = UNSEEN_PAIRS

Of = Callable[..., Any]


def by_name(checks: Any) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_known_words_pass(statistics_of: Of, limits: Of) -> None:
    checks = by_name(check_unseen(EVAL, statistics_of(300), statistics_of(300, seed=1), limits()))
    assert set(checks) == {
        f"eval: unseen {name}"
        for name in ("customer_tier", "region", "event_product_area", "event_source", "event_topic")
    }
    assert {(check.verdict, check.found, check.message) for check in checks.values()} == {
        ("passed", 0.0, "")
    }


def test_a_word_that_train_lacks_is_named_with_its_share(statistics_of: Of, limits: Of) -> None:
    region = [[b"ANZ" if number < 6 else b"NA"] for number in range(100)]
    split = statistics_of(100, region=region)
    check = by_name(check_unseen(SCORE, statistics_of(300), split, limits()))[
        "score: unseen region"
    ]
    assert (check.verdict, check.found, check.threshold) == ("failed", 0.06, "<= 0.05")
    assert "6.0% of region in score do not occur in train, at most 5.0% may" in check.message
    assert ": 'ANZ' (" in check.message
    assert "TENS_INSIGHT_MAX_UNSEEN_SHARE" in check.message
    wider = by_name(check_unseen(SCORE, statistics_of(300), split, limits(max_unseen_share=0.06)))
    assert wider["score: unseen region"].verdict == "passed"


def test_the_most_frequent_unseen_words_come_first(statistics_of: Of, limits: Of) -> None:
    topics = [[b"a"], [b"b", b"b"], [b"c"] * 3, [b"d"] * 4] * 25
    split = statistics_of(100, event_topic=topics)
    check = by_name(check_unseen(EVAL, statistics_of(100), split, limits()))[
        "eval: unseen event_topic"
    ]
    assert check.found == 1
    assert "'d', 'c', 'b' and 1 more" in check.message


def test_a_blank_word_is_missing_and_not_unseen(statistics_of: Of, limits: Of) -> None:
    split = statistics_of(100, event_topic=[[b""], [b" "]] * 50)
    check = by_name(check_unseen(EVAL, statistics_of(300), split, limits()))[
        "eval: unseen event_topic"
    ]
    assert (check.verdict, check.found) == ("passed", 0.0)


def test_too_few_accounts_raise_no_alarm(statistics_of: Of, limits: Of) -> None:
    few = statistics_of(49, event_topic=[[b"new"]] * 49)
    checks = by_name(check_unseen(EVAL, statistics_of(300), few, limits()))
    assert {check.verdict for check in checks.values()} == {"skipped"}
    assert checks["eval: unseen event_topic"].found == 1
    assert "49 accounts in eval of 50" in checks["eval: unseen event_topic"].message


def many(count: int, first: int, words: int) -> list[list[bytes]]:
    return [[b"topic-%d" % (first + number % words)] for number in range(count)]


def test_lists_cut_short_of_very_many_words_are_not_called_unseen(
    statistics_of: Of, limits: Of
) -> None:
    """TFDV lists 1,000 words; with 2,000 in each split, the lists alone prove nothing."""
    base = statistics_of(4_000, event_topic=many(4_000, 0, 2_000))
    split = statistics_of(4_000, event_topic=many(4_000, 0, 2_000)[::-1])
    check = by_name(check_unseen(EVAL, base, split, limits()))["eval: unseen event_topic"]
    assert check.verdict == "skipped"
    assert "cannot be told: the statistics list 1000 of 2000 words" in check.message


def test_many_unseen_words_fail_although_their_list_is_cut(statistics_of: Of, limits: Of) -> None:
    split = statistics_of(4_000, event_topic=many(4_000, 9_000, 2_000))
    check = by_name(check_unseen(EVAL, statistics_of(300), split, limits()))[
        "eval: unseen event_topic"
    ]
    assert check.verdict == "failed"
    assert check.found > 0.4


def test_present_values_are_not_missing(statistics_of: Of, limits: Of) -> None:
    checks = by_name(check_missing("eval", statistics_of(100), limits()))
    assert len(checks) == len(event_spec.SCALAR_FLOATS) + len(columns.CATEGORIES)
    assert {(check.verdict, check.found) for check in checks.values()} == {("passed", 0.0)}


@pytest.mark.parametrize("blank", [[b""], [b"  "], [], None])
def test_missing_empty_and_blank_tiers_are_missing(
    blank: list[bytes] | None, statistics_of: Of, limits: Of
) -> None:
    tiers = [blank if number < 6 else [b"pro"] for number in range(100)]
    checks = by_name(check_missing("score", statistics_of(100, customer_tier=tiers), limits()))
    failed = [check for check in checks.values() if check.verdict == "failed"]
    assert [(check.name, check.found) for check in failed] == [
        ("score: missing customer_tier", 0.06)
    ]
    assert "6.0% of customer_tier in the split score are missing or empty" in failed[0].message


def test_a_silent_account_has_no_missing_event_but_an_empty_topic_is_one(
    statistics_of: Of, limits: Of
) -> None:
    topics: list[list[bytes]] = [[], [b"login"], [b""], [b"login"]] * 25
    check = by_name(check_missing("train", statistics_of(100, event_topic=topics), limits()))[
        "train: missing event_topic"
    ]
    assert check.found == pytest.approx(1 / 3, abs=1e-6)


def test_a_feature_that_is_not_there_at_all_is_missing(statistics_of: Of, limits: Of) -> None:
    statistics = statistics_of(100)
    features = statistics.datasets[0].features
    kept = [one for one in features if one.path.step[0] != "region"]
    del features[:]
    features.extend(kept)
    check = by_name(check_missing("score", statistics, limits()))["score: missing region"]
    assert (check.verdict, check.found) == ("failed", 1.0)


def test_words_are_known_where_all_are_listed(statistics_of: Of) -> None:
    topics = [[b"topic-%d" % (number % 1_500)] for number in range(3_000)]
    known = known_words(statistics_of(3_000, event_topic=topics))
    assert known["event_source"] == {"email", "chat", "zendesk"}
    assert known["event_sentiment"] == {"negative", "neutral", "positive"}
    assert "event_topic" not in known
