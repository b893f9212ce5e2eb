"""Gains and lift: what the ranking is worth to people who contact accounts."""

from typing import Final

from components.model_review.page import cells
from components.model_review.page.charts.curves import Mark, curves
from components.model_review.page.charts.intervals import Measured, intervals
from components.model_review.page.charts.models import key, named
from components.model_review.sections.gains import Gains
from components.page import numbers
from components.page.blocks import Figure, Table

_HALF: Final = 0.5


def contacts_for_half(found: Gains) -> Figure:
    """Returns the gains curves, and how many contacts reach half of the churned accounts."""
    here, own = contacts_here(found), found.contacts_for_half[0]
    return Figure(
        picture=curves(
            found.curves,
            x="share of accounts contacted, highest score first",
            y="share of churned accounts reached",
            label=f"Gains curves, and the diagonal of a random order. {here}",
            chance=((0, 0), (1, 1)),
            mark=Mark(own.share, _HALF, numbers.counted(own.accounts, "contact", "contacts")),
        ),
        here=here,
        shows="Share of the churned accounts reached (upwards) by share of accounts contacted "
        "(to the "
        "right).",
        good="A line that reaches 50% as far to the left as possible.",
        bad="A line near the diagonal: the list is no better than a random order.",
        table=Table.of(
            f"Contacts to reach half of the {numbers.count(found.churned)} churned accounts among "
            f"{numbers.count(found.accounts)}",
            ("Model", "Accounts to contact#", "Share of all#"),
            (
                (named(one.model), numbers.count(one.accounts), numbers.share(one.share))
                for one in found.contacts_for_half
            ),
        ),
        key=key(one.model for one in found.curves),
    )


def contacts_here(found: Gains) -> str:
    """Says how many contacts reach half of the churned accounts, and how many at random."""
    own = found.contacts_for_half[0]
    return (
        f"Half of the churned accounts are among the challenger's first "
        f"{numbers.count(own.accounts)} of {numbers.count(found.accounts)} accounts "
        f"({numbers.share(own.share)}); a random order needs "
        f"{numbers.count(-(-found.accounts // 2))}."
    )


def lift(found: Gains) -> Figure:
    """Returns the lift at the top of the list."""
    rows = [Measured(f"the first {share:.0%}", one) for share, one in found.lift]
    first, best = found.lift[0]
    return Figure(
        picture=intervals(
            rows,
            x="churn rate, as a multiple of that of all accounts",
            label="Lift with intervals: "
            + ", ".join(f"{one.name} {numbers.short(one.estimate.value)}" for one in rows),
            level=1,
            number_format=".1f",
        ),
        here=lift_here(first, best.value, best.interval),
        shows="Churn rate among the accounts with the highest scores, as a multiple of the churn "
        "rate "
        "of all accounts, with 95% intervals.",
        good="Points far to the right of the dotted line at 1, the first of them farthest.",
        bad="A line that reaches 1: the top of the list may be no better than chance.",
        table=Table.of(
            "Lift of the challenger",
            ("Accounts contacted", "Lift#"),
            ((f"the first {share:.0%}", cells.times(one)) for share, one in found.lift),
        ),
    )


def lift_here(share: float, value: float, ends: tuple[float, float] | None) -> str:
    """Says what the lift is, and whether chance would explain it."""
    said = (
        f"The churn rate of the first {share:.0%} of the list is {numbers.short(value)} times that "
        "of all accounts"
    )
    if ends is None:
        return f"{said}; no interval was measured."
    if ends[0] <= 1 <= ends[1]:
        return f"{said}, which cannot be told apart from chance: the interval contains 1."
    return f"{said}, and at {'least' if value > 1 else 'most'} {numbers.short(ends[value < 1])}."
