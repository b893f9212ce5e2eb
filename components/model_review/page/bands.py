"""What is each risk category worth? Accounts in it, those that left, precision and recall."""

from collections.abc import Sequence
from typing import Final

from components.model_gate.band_worth import BandsWorth, CategoryWorth
from components.model_review.page.cells import estimate
from components.model_review.sections.estimates import Estimate
from components.page import numbers
from components.page.blocks import Absent, Block, Cell, Part, Row, Table
from components.page.words import sentence

_QUESTION: Final = "What is each risk category worth?"
_COLUMNS: Final = ("Category", "Accounts#", "Left#", "Precision#", "Recall#")


def bands_part(found: Sequence[BandsWorth]) -> Part:
    """Returns the table of the rule of the settings, and folded ones of other rules."""
    if not found:
        return Part(_QUESTION, (Absent("The gate did not judge the risk categories."),))
    blocks: list[Block] = [_table(found[0], folded=False)]
    blocks += [_table(one, folded=True) for one in found[1:]]
    return Part(_QUESTION, tuple(blocks))


def _table(worth: BandsWorth, *, folded: bool) -> Table:
    apart = "" if worth.separates else "; hardly anybody is told apart"
    caption = f"Risk categories by {worth.described}{apart}"
    rows = [_row(one) for one in (worth.high_or_critical, *worth.categories)]
    return Table.of(caption, _COLUMNS, rows, folded=folded)


def _row(one: CategoryWorth) -> Row:
    cells: tuple[Cell, ...] = (
        sentence(one.category).rstrip("."),
        numbers.count(one.accounts),
        numbers.count(one.churned),
        _share(one.precision, one.precision_interval),
        _share(one.recall, one.recall_interval),
    )
    return Row(cells, "")


def _share(value: float | None, ends: tuple[float, float] | None) -> Cell:
    return estimate(None if value is None else Estimate(value, ends))
