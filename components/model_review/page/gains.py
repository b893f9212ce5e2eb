"""Gains and lift: what the ranking is worth to people who contact accounts."""

from typing import Final

from components.model_review.page import cells, numbers
from components.model_review.page.blocks import Figure, Table
from components.model_review.page.charts.curves import Mark, curves
from components.model_review.page.charts.intervals import Measured, intervals
from components.model_review.page.charts.models import key, named
from components.model_review.sections.gains import Gains

_HALF: Final = 0.5


def calls_for_half(found: Gains) -> Figure:
    """Returns the gains curves, and how many calls reach half of the leavers."""
    here, own = calls_here(found), found.calls_for_half[0]
    return Figure(
        picture=curves(
            found.curves,
            x="accounts called, highest score first",
            y="leavers found",
            label=f"Gains curves, and the diagonal of calling at random. {here}",
            chance=((0, 0), (1, 1)),
            mark=Mark(own.share, _HALF, numbers.counted(own.accounts, "call", "calls")),
        ),
        here=here,
        shows="How many of the leavers are found (upwards) by how many calls (to the right).",
        good="A line that reaches 50% as far to the left as possible.",
        bad="A line near the diagonal: the list would be no better than calling at random.",
        table=Table.of(
            f"Calls to reach half of {numbers.count(found.churned)} leavers among "
            f"{numbers.count(found.accounts)} accounts",
            ("Model", "Accounts to call#", "Share of all#"),
            (
                (named(one.model), numbers.count(one.accounts), numbers.share(one.share))
                for one in found.calls_for_half
            ),
        ),
        key=key(one.model for one in found.curves),
    )


def calls_here(found: Gains) -> str:
    """Says how many calls find half of the leavers, and how many would at random."""
    own = found.calls_for_half[0]
    return (
        f"Here the challenger finds half of the leavers in the first "
        f"{numbers.count(own.accounts)} of {numbers.count(found.accounts)} accounts "
        f"({numbers.share(own.share)}); calling at random needs "
        f"{numbers.count(-(-found.accounts // 2))}."
    )


def lift(found: Gains) -> Figure:
    """Returns the lift at the top of the list."""
    rows = [Measured(f"the first {share:.0%}", one) for share, one in found.lift]
    first, best = found.lift[0]
    return Figure(
        picture=intervals(
            rows,
            x="times as many leavers as at random",
            label="Lift with intervals: "
            + ", ".join(f"{one.name} {numbers.short(one.estimate.value)}" for one in rows),
            level=1,
            number_format=".1f",
        ),
        here=lift_here(first, best.value, best.interval),
        shows="How many times more leavers are among the first accounts of the list than among "
        "as many accounts taken at random, with 95% intervals.",
        good="Points far to the right of the dotted line at 1, the first of them furthest.",
        bad="A line that reaches 1: the top of the list may be no better than chance.",
        table=Table.of(
            "Lift of the challenger",
            ("Accounts called", "Lift#"),
            ((f"the first {share:.0%}", cells.times(one)) for share, one in found.lift),
        ),
    )


def lift_here(share: float, value: float, ends: tuple[float, float] | None) -> str:
    """Says what the lift is, and whether chance would explain it."""
    said = (
        f"Here the first {share:.0%} of the list hold {numbers.short(value)} times as many leavers "
        "as accounts taken at random"
    )
    if ends is None:
        return f"{said}; how sure that is was not measured."
    if ends[0] <= 1 <= ends[1]:
        return f"{said}, which cannot be told apart from chance: the interval holds 1."
    return f"{said}, and at {'least' if value > 1 else 'most'} {numbers.short(ends[value < 1])}."
