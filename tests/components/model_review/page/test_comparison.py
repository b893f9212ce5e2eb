"""The page about two models says what is given to it, and nothing more than that."""

import html
import math
import re
from dataclasses import replace
from typing import Any

import pytest

from components.model_review.page import comparison_words
from components.model_review.page.comparison import moved_here, render, value_words
from components.model_review.page.comparison_quality import slices_here
from components.model_review.page.slices import slice_words
from components.model_review.sections.compared import (
    ComparedSlice,
    Comparison,
    JudgedChange,
    Pair,
)
from components.model_review.sections.estimates import Estimate
from components.page import numbers
from serving_model.evaluation.metrics import METRICS
from tests.components.model_review import sample_comparisons as samples

MINUS = "\N{MINUS SIGN}"


def text_of(page: str) -> str:
    """All text of a page, the pictures' apart."""
    body = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))


def pair(difference: float, low: float, high: float) -> Pair:
    known = Estimate(difference, (low, high)) if math.isfinite(difference) else None
    return Pair(0.5, 0.5 if known else math.nan, known)


def compared(**ends: tuple[float, float, float]) -> Comparison:
    return changed(metrics={name: pair(*one) for name, one in ends.items()})


def changed(**changes: Any) -> Comparison:
    found = samples.better()
    assert found.evaluation is not None
    return replace(found, evaluation=replace(found.evaluation, **changes))


OPEN = (0.01, -0.01, 0.03)
UP, DOWN = (0.02, 0.01, 0.03), (-0.02, -0.03, -0.01)


@pytest.mark.parametrize(
    ("auc", "pr_auc", "log_loss", "word", "said"),
    [
        (UP, UP, DOWN, "B is better", "B is better in ranking (AUC), ranking at the top (PR AUC)"),
        (DOWN, OPEN, OPEN, "A is better", "A is better in ranking (AUC); cannot be told apart in"),
        (OPEN, OPEN, UP, "A is better", "A is better in probabilities (log-loss); cannot be"),
        (OPEN, OPEN, DOWN, "B is better", "B is better in probabilities (log-loss); cannot be"),
        (UP, OPEN, UP, "each is better in something", "(AUC); A is better in probabilities"),
        (OPEN, OPEN, OPEN, "cannot be told apart", "A and B cannot be told apart in ranking"),
        ((0.0, 0.0, 0.0), OPEN, OPEN, "cannot be told apart", "A and B cannot be told apart in"),
        ((0.02, 0.0, 0.04), OPEN, OPEN, "cannot be told apart", "A and B cannot be told apart"),
        ((math.nan,) * 3, OPEN, OPEN, "cannot be told apart", "apart in ranking at the top"),
    ],
)
def test_which_is_better_follows_from_the_intervals(
    auc: Any, pr_auc: Any, log_loss: Any, word: str, said: str
) -> None:
    found = compared(auc=auc, pr_auc=pr_auc, log_loss=log_loss)
    assert comparison_words.better_word(found).text == word
    assert said in comparison_words.better_here(found)


def test_the_calibration_error_alone_decides_nothing() -> None:
    found = compared(auc=OPEN, calibration_error=DOWN)
    assert comparison_words.better_word(found).text == "cannot be told apart"
    assert comparison_words.verdict(pair(*DOWN), METRICS["calibration_error"]).text == "B is better"


def test_the_verdict_stands_first() -> None:
    said = text_of(render(compared(auc=UP, log_loss=UP)))
    assert said.index("each is better in something") < said.index("Compared on")


def test_every_number_of_the_comparison_stands_in_its_row() -> None:
    found = samples.better()
    said = text_of(render(found))
    evaluation = found.evaluation
    assert evaluation is not None
    for name, one in evaluation.metrics.items():
        low, high = (numbers.difference(end) for end in one.difference.interval)
        values = f"{one.a:.4f} {one.b:.4f} {numbers.difference(one.difference.value)}"
        assert f"{METRICS[name].phrase} {values} {low} to {high}" in said
    for one in evaluation.slices:
        name = slice_words(one.name)
        sizes = f"{name} {one.accounts} {one.churned}"
        if one.auc is None:
            assert f"{sizes} not enough data {one.too_little}" in said
        else:
            assert re.search(
                rf"{re.escape(sizes)} [A-Za-z ]+ {one.auc.a:.4f} {one.auc.b:.4f} "
                rf"{re.escape(numbers.difference(one.auc.difference.value))}",
                said,
            )
    for one in evaluation.moved:
        change = f"{one.after - one.before:+.1%}".replace("-", MINUS)
        became = "left" if one.churned else "stayed"
        assert (
            f"{one.account_id} {one.before:.1%} {one.after:.1%} {change} "
            f"{one.category_before} {one.category_after} {became}"
        ) in said
    auc = evaluation.metrics["auc"]
    assert f"one that stayed in {auc.b:.1%} of all pairs, and A in {auc.a:.1%}" in said
    a, b = evaluation.contacts_for_half
    assert f"A {a:,} {a / 1446:.1%} B {b:,} {b / 1446:.1%}" in said
    assert f"with the first {b} contacts of 1,446, and A with the first {a}." in said
    for one in (*found.data, *found.settings):
        assert f" {value_words(one.name, one.a)} {value_words(one.name, one.b)} " in said


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("as_of", "2026-05-01T00:00:00+00:00", "2026-05-01 00:00 UTC"),
        ("eval_cutoffs", "2026-05-01T00:00:00+00:00", "2026-05-01 00:00 UTC"),
        (
            "train_cutoffs",
            "2026-01-01T00:00:00+00:00,2026-02-01T00:00:00+00:00",
            "2 from 2026-01-01 00:00 UTC to 2026-02-01 00:00 UTC",
        ),
        ("feedback_rows", 61_204, "61,204"),
        ("feedback_rows", "-", "not recorded"),
        ("l2", 0.002, "0.002"),
        ("hidden_units", [32, 16], "[32, 16]"),
        ("review_accounts", True, "true"),
        ("eval_cutoff", None, "null"),
        ("data_checks", {"drift": "größer"}, '{"drift": "größer"}'),
    ],
)
def test_values_are_written_for_people(name: str, value: Any, said: str) -> None:
    assert value_words(name, value) == said


def test_slices_say_for_whom_either_is_better() -> None:
    here = slices_here(samples.better().evaluation.slices)
    assert "B ranks better for customer tier: enterprise" in here
    assert "A ranks better" not in here
    assert "3 slices have not enough data" in here
    worse = slices_here(samples.worse().evaluation.slices)
    assert worse.startswith("Here A ranks better for customer tier: enterprise")
    open_ = slices_here([ComparedSlice("region EU", 90, 40, auc=pair(*OPEN))])
    assert open_ == "Here no slice tells A and B apart."


def test_slices_for_which_b_is_worse_come_first() -> None:
    first, *others = samples.better().evaluation.slices
    last = ComparedSlice("no event in 30 days", 90, 40, auc=pair(-0.2, -0.3, -0.1))
    page = render(changed(slices=(first, *others, last)))
    table = text_of(page).rpartition("how well either model ranks within them")[2]
    assert table.index("no event in 30 days") < table.index("customer tier: enterprise")


def test_accounts_that_move_towards_what_happened_are_counted() -> None:
    moves = [(0.1, 0.9, True), (0.9, 0.1, True), (0.1, 0.9, False), (0.9, 0.1, False)]
    found = [
        JudgedChange("ACC-1", a, b, "low", "low", churned)
        for a, b, churned in [*moves, moves[0], moves[3]]
    ]
    assert moved_here(found) == (
        "Of the 6 accounts that move most, 3 left and 3 stayed; B moves 4 of them towards what "
        "happened."
    )


def test_models_that_cannot_be_compared_say_why_everywhere() -> None:
    page = text_of(render(samples.not_compared()))
    assert page.count("horizon_days is 60 and 30") >= 4
    assert "no evaluation set that is fair to both" in page
    assert "0.05" in page


def test_one_model_beside_itself_is_not_better() -> None:
    page = text_of(render(samples.same()))
    assert "A and B are one model." in page
    assert "B is better" not in page
    assert "None that is recorded." in page


def test_no_account_is_named_where_none_is_given() -> None:
    page = render(changed(moved=()))
    assert "ACC-" not in page
    assert "TENS_INSIGHT_REVIEW_ACCOUNTS" in page


def test_what_could_not_be_computed_is_not_made_up() -> None:
    nothing = {"auc": pair(math.nan, math.nan, math.nan)}
    page = text_of(render(changed(metrics=nothing, contacts_for_half=None, churned=0)))
    assert "nan" not in page.lower()
    assert "Nothing could be measured." in page
    assert "Here ranking could not be measured." in page
    assert "Here no account churned" in page


def test_the_page_is_small_and_the_same_each_time_and_nothing_given_becomes_markup() -> None:
    page = render(samples.better())
    assert len(page.encode()) < 200_000
    assert page == render(samples.better())
    attacked = render(samples.attacked())
    assert set(re.findall(r"<(\w+)", attacked)) == set(re.findall(r"<(\w+)", page))


def test_a_picture_names_an_account_whole_or_by_its_number() -> None:
    """What is left of a cut id would stay on the page where the account is forgotten."""
    long = "organisation-of-europe-customer-"
    ids = ["ACC-001701", f"{long}1", f"{long}2", "ACC  7", "\N{GRINNING FACE}-7", "A\x1b[31m-7"]
    moved = [
        replace(one, account_id=account)
        for one, account in zip(samples.better().evaluation.moved, ids, strict=False)
    ]
    page = render(changed(moved=tuple(moved)))
    labels = re.findall(r"<text[^>]*>(\d+\. [^<]*)</text>", page)
    assert [one.partition(" \N{MIDDLE DOT} ")[2] for one in labels] == ["ACC-001701", *[""] * 5]
    assert [int(one.partition(".")[0]) for one in labels] == [1, 2, 3, 4, 5, 6]
    assert "\N{HORIZONTAL ELLIPSIS}" not in page
    table = page[page.index("accounts that move most") :]
    assert [table.count(f'<th scope="row">{long}{end}</th>') for end in "12"] == [1, 1]
