"""Whatever users' data hold, the page shows it as text."""

import functools
from dataclasses import replace
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from components.data_checker.checks import Check
from components.model_gate.gate_check import GateCheck
from components.model_review.page.report import render
from components.model_review.page.signature import Signature, signed
from components.model_review.review import Review
from components.model_review.sections.accounts import ProbabilityChange
from components.model_review.sections.changes import Changes, Drift
from components.model_review.sections.data import Fact
from components.model_review.sections.decision import NOT_BLESSED, Decision, Head
from components.model_review.sections.estimates import Estimate
from components.model_review.sections.importance import Contribution
from components.model_review.sections.slices import Slice
from components.page.words import visible
from tests.components.model_review.page.reading import Element, elements, words
from tests.components.model_review.sample_extremes import ATTACKS
from tests.components.model_review.sample_reviews import accounts
from tests.property_tests import cases

IN_PICTURES: Final = {"svg", "g", "path", "line", "text"}
PLACES: Final = 21
# Control characters, quotes and brackets are rare among all characters.
HARD: Final = st.text(st.sampled_from("<>\"'&;`={}%#/\\ \t\n\r\x00\x0b\x1b\x7f\x85\u2028\ufffeaß"))
TEXTS: Final = st.lists(
    (st.text(min_size=1) | HARD | st.sampled_from(ATTACKS)).filter(str.strip),
    min_size=PLACES,
    max_size=PLACES,
)


def review_of(texts: list[str]) -> Review:
    """A small review with each of the texts in a place of its own."""
    one = iter(texts)
    head = Head("run", next(one), next(one), "", next(one), 60, 180, "", 100, 10)
    check = GateCheck(next(one), next(one), 0.5, None, next(one), 0.5, "skipped", 9, 1, next(one))
    scores = replace(
        accounts(published=False),
        largest_changes=(ProbabilityChange(next(one), 0.1, 0.2, "low", "low"),),
    )
    estimate = Estimate(0.6, (0.5, 0.7))
    return Review(
        head,
        Decision(NOT_BLESSED, next(one), next(one)),
        checks=(check,),
        slices=(Slice(next(one), 90, 40, "", estimate, estimate, 0.1, 0.1, None, False),),
        accounts=scores,
        contributions=(Contribution("group", next(one), 0.1, 0.1, 0.5, 9),),
        changes=Changes((), (Drift(next(one), "eval", "train", 0.1, 0.2, "passed"),), (), None, ""),
        data_checks=(Check(next(one), "drift", ("eval",), next(one), "", "warned", next(one)),),
        settings=(Fact(next(one), next(one)),),
        card=((next(one), (next(one),)),),
        missing=(("performance", next(one)),),
    )


def shape(found: list[Element]) -> list[tuple[Any, ...]]:
    """Elements outside of pictures, and the names of their attributes."""
    return [(one.tag, one.above, *one.attributes) for one in found if not one.in_picture]


@functools.cache
def plain_shape() -> list[tuple[Any, ...]]:
    return shape(elements(render(review_of([f"text {number}" for number in range(PLACES)]))))


# A page takes a second: what fails is not made smaller.
@settings(
    max_examples=cases(10),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(texts=TEXTS)
def test_no_text_becomes_markup(texts: list[str]) -> None:
    page = render(review_of(texts))
    found = elements(page)
    assert shape(found) == plain_shape()
    assert {one.tag for one in found if one.in_picture} <= IN_PICTURES
    assert not [one for one in found for name in one.attributes if name.startswith("on")]
    # A sentence begins with a capital letter, whatever the text does.
    shown = words(found[0].text).casefold()
    for text in texts:
        assert words(visible(text)).casefold() in shown
    page.encode("utf-8")


def test_nothing_of_a_setting_is_taken_for_a_template() -> None:
    page = render(review_of(["{{ 7 * 7 }}{% raw %}"] * PLACES))
    assert "{{ 7 * 7 }}{% raw %}" in page


STEERING: Final = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202e\u2066\u2028"


def test_names_that_steer_a_terminal_or_turn_the_writing_are_seen_as_marks() -> None:
    """Also for those who read the page on a terminal."""
    review = review_of([f"{STEERING} {number}" for number in range(PLACES)])
    signature = Signature("approved", STEERING, "2026-06-01 00:00 UTC", STEERING)
    page = signed(render(review), [signature])
    assert not set(page) & set("\x1b\x07\x9b\u202e\u2066")
    assert page.count("\N{REPLACEMENT CHARACTER}[31mred") >= PLACES
