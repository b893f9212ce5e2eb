"""For whom is it worse? Metrics by slice, the failed ones first."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from components.model_review.page import cells, words
from components.model_review.page.charts.intervals import Measured, intervals
from components.model_review.page.words import absent
from components.model_review.sections.slices import Slice
from components.page import numbers, theme
from components.page.blocks import (
    BAD,
    QUIET,
    Badge,
    Block,
    Figure,
    Noted,
    Part,
    Row,
    Section,
    Table,
)
from components.page.words import listed

if TYPE_CHECKING:  # they load TensorFlow, which a page of two models can do without
    from components.model_review.review import Review
    from components.model_review.sections.performance import Performance

_MOST_DRAWN: Final = 24
_NONE: Final = "The run judged no slice."


def slices_section(review: "Review") -> Section:
    """Returns the section."""
    found = sorted(review.slices, key=_order)
    blocks: tuple[Block, ...] = (absent(review, "slices", _NONE),)
    if found:
        blocks = _blocks(found, review.performance)
    answer = slices_answer(found) if found else "That is not known: no slice was judged."
    parts = (Part("Metrics by slice", blocks),)
    return Section("slices", "For whom is it worse?", answer, parts)


def slice_words(name: str) -> str:
    """Returns such as `customer tier: pro` for `customer_tier pro`."""
    for column, said in (
        ("customer_tier ", "customer tier: "),
        ("region ", "region: "),
        ("state ", "account state: "),
    ):
        if name.startswith(column):
            return said + name.removeprefix(column)
    return name


def slices_answer(found: Sequence[Slice]) -> str:
    """Says which slices failed, on which the model is worse, and what is not known."""
    failed = [slice_words(one.name) for one in found if one.failed]
    worse = [slice_words(one.name) for one in found if not one.failed and _is_worse(one)]
    few = sum(bool(one.too_little) for one in found)
    judged = numbers.counted(len(found) - few, "slice", "slices")
    said = f"None of {judged} with enough data failed."
    if failed:
        said = f"{len(failed)} of {judged} with enough data failed: {listed(failed)}."
    if worse:
        said += f" Others passed, but rank worse than the champion: {listed(worse)}."
    if few:
        said += f" {numbers.counted(few, 'slice has', 'slices have')} not enough data."
    return said


def _is_worse(one: Slice) -> bool:
    return one.against_champion is not None and words.judged(one.against_champion) == words.WORSE


def _order(one: Slice) -> tuple[bool, bool]:
    return not one.failed, bool(one.too_little)


def _blocks(found: Sequence[Slice], performance: "Performance | None") -> tuple[Block, ...]:
    if performance is None or not any(one.auc for one in found):
        return (_table(found),)
    return (_figure(found, performance.metrics[0].metrics["auc"].value),)


def _figure(found: Sequence[Slice], level: float) -> Figure:
    drawn = [
        Measured(slice_words(one.name), one.auc, theme.BAD if one.failed else theme.CHALLENGER)
        for one in found
        if one.auc is not None
    ][:_MOST_DRAWN]
    seen = ", ".join(f"{one.name} {numbers.metric(one.estimate.value)}" for one in drawn)
    return Figure(
        picture=intervals(
            drawn, x="AUC", label=f"AUC by slice, with intervals: {seen}", level=level
        ),
        here=below_here(found, level),
        shows=f"How well the challenger ranks within each slice (AUC), with its 95% interval. "
        f"The dotted line is the AUC of all accounts, {numbers.metric(level)}. Failed slices "
        "come first; "
        f"at most {_MOST_DRAWN} are drawn, the table has all.",
        good="All intervals around the dotted line; long intervals only mean few accounts.",
        bad="A whole interval left of the dotted line, or a red one: for these accounts the "
        "ranking is "
        "worse than for all.",
        table=_table(found),
    )


def below_here(found: Sequence[Slice], level: float) -> str:
    """Says for which slices the ranking is worse than for all accounts, beyond chance."""
    measured = [one for one in found if one.auc is not None and one.auc.interval is not None]
    below = [slice_words(one.name) for one in measured if _high(one) < level]
    if not measured:
        return "No slice has an interval, so none can be compared with all accounts."
    if not below:
        return (
            f"None of {numbers.counted(len(measured), 'slice', 'slices')} lies wholly below "
            f"{numbers.metric(level)}, the AUC of all accounts: differences may be chance."
        )
    return (
        f"The ranking is worse, beyond chance, than for all accounts "
        f"({numbers.metric(level)}): for {listed(below)}."
    )


def _high(one: Slice) -> float:
    assert one.auc is not None
    assert one.auc.interval is not None
    return one.auc.interval[1]


def _table(found: Sequence[Slice]) -> Table:
    return Table.of(
        "Slices: their sizes, ranking and calibration",
        (
            "Slice",
            "Accounts#",
            "Churned#",
            "Verdict",
            "AUC#",
            "Against champion#",
            "Predicted#",
            "Observed#",
            "Calibration gap#",
        ),
        map(_row, found),
    )


def _row(one: Slice) -> Row:
    sizes = (numbers.count(one.accounts), numbers.count(one.churned))
    name = slice_words(one.name)
    if one.too_little:
        few = Badge("not enough data", QUIET)
        return Row((Noted(name, one.too_little), *sizes, few, *("\N{EN DASH}",) * 5))
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
