"""For whom is it worse? Metrics by slice, the failed ones first."""

from typing import Final

from components.model_review.page import cells, numbers, theme, words
from components.model_review.page.blocks import (
    BAD,
    QUIET,
    Block,
    Cell,
    Figure,
    Noted,
    Part,
    Row,
    Section,
    Table,
)
from components.model_review.page.charts.intervals import Measured, intervals
from components.model_review.page.found import absent
from components.model_review.quality_sections import Slice
from components.model_review.review import Review

_MOST_DRAWN: Final = 24
_NONE: Final = "The run judged no slice."


def for_whom_is_it_worse(review: Review) -> Section:
    """Returns the section."""
    found = sorted(review.slices, key=_order)
    blocks: tuple[Block, ...] = (absent(review, "slices", _NONE),)
    if found:
        blocks = (_figure(found) if any(one.auc for one in found) else _table(found, False),)
    answer = slices_here(found) if found else "That is not known: no slice was judged."
    parts = (Part("Slice by slice", blocks),)
    return Section("slices", "For whom is it worse?", answer, parts)


def slice_words(name: str) -> str:
    """Returns such as `customer tier: pro` for `customer_tier pro`."""
    for column, said in (("customer_tier ", "customer tier: "), ("region ", "region: ")):
        if name.startswith(column):
            return said + name.removeprefix(column)
    return name


def slices_here(found: list[Slice]) -> str:
    """Says which slices failed, on which the model is worse, and what is not known."""
    failed = [slice_words(one.name) for one in found if one.failed]
    worse = [slice_words(one.name) for one in found if not one.failed and _is_worse(one)]
    few = sum(bool(one.too_little) for one in found)
    judged = len(found) - few
    if failed:
        said = f"Here {numbers.counted(len(failed), 'slice', 'slices')} failed: "
        said += f"{words.listed(failed)}."
    else:
        said = f"Here none of the {numbers.counted(judged, 'slice', 'slices')} with enough data "
        said += "failed."
    if worse:
        said += f" It ranks worse than the champion for {words.listed(worse)}, within the bar."
    if few:
        said += f" {numbers.counted(few, 'slice has', 'slices have')} not enough data to say."
    return said


def _is_worse(one: Slice) -> bool:
    return one.against_champion is not None and words.judged(one.against_champion) == words.WORSE


def _order(one: Slice) -> tuple[bool, bool]:
    return not one.failed, bool(one.too_little)


def _figure(found: list[Slice]) -> Figure:
    drawn = [
        Measured(slice_words(one.name), one.auc, theme.BAD if one.failed else theme.CHALLENGER)
        for one in found
        if one.auc is not None
    ][:_MOST_DRAWN]
    seen = ", ".join(f"{one.name} {numbers.short(one.estimate.value)}" for one in drawn)
    return Figure(
        picture=intervals(drawn, x="AUC", label=f"AUC by slice with intervals: {seen}", level=0.5),
        here=slices_here(found),
        shows=f"How well the challenger ranks within each group of accounts (AUC), with its 95% "
        f"interval; at most {_MOST_DRAWN} groups are drawn, the table has all.",
        good="All points about equally far to the right; long lines only mean few accounts.",
        bad="A red point, or a whole line left of the others: for these accounts the list is "
        "worse, whatever the mean says.",
        table=_table(found, False),
    )


def _table(found: list[Slice], folded: bool) -> Table:
    return Table.of(
        "Slices: their sizes, ranking and calibration",
        (
            "Slice",
            "Accounts#",
            "Left#",
            "Verdict",
            "AUC#",
            "AUC against the champion#",
            "Predicted#",
            "Observed#",
            "Calibration gap#",
        ),
        map(_row, found),
        folded,
    )


def _row(one: Slice) -> Row:
    sizes = (numbers.count(one.accounts), numbers.count(one.churned))
    name = slice_words(one.name)
    if one.too_little:
        few: Cell = Noted("not enough data", one.too_little)
        return Row((name, *sizes, few, *("\N{EN DASH}",) * 5), QUIET)
    against = one.against_champion
    return Row(
        (
            name,
            *sizes,
            cells.verdict("failed" if one.failed else "passed"),
            cells.estimate(one.auc),
            cells.estimate(against, signed=True) if against else "no champion",
            numbers.share(one.mean_predicted),
            numbers.share(one.mean_observed),
            cells.estimate(one.calibration_gap, signed=True),
        ),
        BAD if one.failed else "",
    )
