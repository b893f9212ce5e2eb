"""The structure of the page: headings, tables, pictures. Files beside this one say what it is.

Where a change is meant, WRITE_OUTLINES=1 writes them again: look at the diff.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from components.model_review.page.report import render
from components.model_review.review import Review
from components.model_review.sections.decision import RUN_FAILED, Decision, Head
from tests.components.model_review import sample_reviews as samples
from tests.components.model_review.page.reading import elements, outline, page_of
from tests.components.model_review.sample_extremes import huge

pytestmark = pytest.mark.xdist_group(name="pages")

OUTLINES = Path(__file__).with_name("outlines")
WRITE = "WRITE_OUTLINES"
NOBODY = Head("run", None, None, "", "", None, None, "", None, None)
SECTIONS = (
    *("performance", "calibration", "gains", "slices", "accounts", "importance", "contributions"),
    *("data_checks", "data_facts", "splits", "components", "card"),
)
NOTHING = Review(NOBODY, Decision(RUN_FAILED, "reading failed", "Nothing changes."))


@pytest.mark.parametrize(
    "make",
    [samples.blessed, samples.blessed_first, samples.not_blessed, samples.stopped, samples.failed],
)
def test_the_outline_is_what_it_was(make: Callable[[], Review]) -> None:
    path = OUTLINES / f"{make.__name__}.txt"
    found = outline(page_of(make))
    if os.environ.get(WRITE) == "1":
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8"), f"if it is meant: {WRITE}=1"


def test_the_same_review_is_the_same_page() -> None:
    assert render(samples.blessed_first()) == page_of(samples.blessed_first)


@pytest.mark.parametrize(("make", "most"), [(samples.blessed, 300_000), (huge, 1_000_000)])
def test_the_page_is_small(make: Callable[[], Review], most: int) -> None:
    assert len(page_of(make).encode()) < most


def test_what_is_missing_says_why() -> None:
    absent = {name: f"Why there is no {name}." for name in SECTIONS}
    review = Review(NOBODY, NOTHING.decision, missing=tuple(absent.items()))
    page = render(review)
    said = [one.text for one in elements(page) if one.attributes.get("class") == "absent"]
    for why in absent.values():
        assert any(why in one for one in said), why


def test_a_review_of_nothing_keeps_all_sections_and_says_that_nothing_is_known() -> None:
    headings = [one.text for one in elements(page_of(samples.not_blessed)) if one.tag == "h2"]
    found = elements(render(NOTHING))
    assert [one.text for one in found if one.tag == "h2"][2:] == headings[2:]
    said = [one.text for one in found if one.attributes.get("class") == "absent"]
    assert len(said) > 12
    assert all(one.strip().endswith(".") for one in said)
