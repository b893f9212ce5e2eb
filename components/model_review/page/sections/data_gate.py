"""The checks of the data gate, as tables."""

from collections.abc import Iterable
from typing import Any, Final

from components.data_checker.checks import STOPPED, WARNED
from components.data_checker.pairs import DRIFT, SKEW
from components.data_checker.words import UNSEEN
from components.model_review.page import cells, numbers
from components.model_review.page.blocks import BAD, WARN, Noted, Row, Table
from components.model_review.review import Review
from components.model_review.run_sections import DataCheck

ALARMING: Final = (STOPPED, WARNED)
_COLUMNS: Final = ("Check", "Of", "Found#", "Bar", "Verdict")
_COMPARING: Final = (DRIFT, SKEW, UNSEEN)
_MARKS: Final = {STOPPED: BAD, WARNED: WARN}


def failing_checks(review: Review, caption: str) -> Table | None:
    """Returns those that stopped the run, then those that warned; None if all is well.

    Args:
        review: Of the run.
        caption: Of the table.
    """
    found = [one for word in ALARMING for one in review.data_checks if one.verdict == word]
    if not found:
        return None
    return _table(caption, found)


def all_checks(review: Review) -> Table:
    """Returns all, in the order of the gate, folded away."""
    count = numbers.count(len(review.data_checks))
    return _table(f"All {count} data checks", review.data_checks, folded=True)


def _table(caption: str, checks: Iterable[DataCheck], folded: bool = False) -> Table:
    return Table.of(caption, _COLUMNS, map(_row, checks), folded)


def _row(one: DataCheck) -> Row:
    between = " against " if one.group in _COMPARING else ", "
    splits = between.join(one.splits) or "the run"
    name = Noted(one.name, one.message) if one.message else one.name
    shown = (name, splits, found_words(one.found), one.bar, cells.verdict(one.verdict))
    return Row(shown, _MARKS.get(one.verdict, ""))


def found_words(found: Any) -> str:
    """Returns what a check found: a count, a measure, a word, or that there is none."""
    if found is None:
        return "\N{EN DASH}"
    if isinstance(found, bool) or not isinstance(found, int | float):
        return str(found)
    return numbers.count(found) if isinstance(found, int) else numbers.metric(found)
