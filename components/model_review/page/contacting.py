"""What flagging is worth: the first accounts of the list, and every cut of the probability."""

from collections.abc import Sequence
from typing import Final

from components.model_gate.decision_file import CHALLENGER
from components.model_review.page import cells
from components.model_review.page.charts.intervals import Measured, intervals
from components.model_review.page.charts.models import look, named
from components.model_review.sections.estimates import Estimate
from components.model_review.sections.thresholds import Cut, Thresholds
from components.page import numbers
from components.page.blocks import Cell, Figure, Noted, Table
from components.page.words import listed
from serving_model.evaluation.ranking import RECENCY, FirstAccounts, FirstDifference

_DASH: Final = "\N{EN DASH}"


def first_accounts(
    found: Sequence[FirstAccounts], differences: Sequence[FirstDifference]
) -> Figure:
    """Returns the churned accounts among the first, by model."""
    here = first_here(found, differences)
    rows = [
        Measured(
            f"first {one.first}, {named(one.model)}",
            Estimate(one.precision, one.precision_interval),
            look(one.model).tone,
        )
        for one in sorted(found, key=lambda one: one.first)
    ]
    return Figure(
        picture=intervals(
            rows,
            x="precision: share of them that churned",
            label=f"Precision of the first accounts with intervals. {here}",
            number_format="%",
        ),
        here=here,
        shows="Of the accounts with the highest scores, the share that churned, with 95% "
        "intervals: by this model, by a list sorted by the days since the last message, and by the "
        "cold-start rule.",
        good="The challenger's points to the right of the others.",
        bad="Points beside each other: sorting by the last message, or a rule that learns nothing, "
        "would do as well.",
        table=Table.of(
            "Precision and recall of the first accounts, with 95% intervals",
            ("Accounts", "Model", "Churned#", "Precision#", "Recall#", "Challenger less this#"),
            (_row(one, differences) for one in sorted(found, key=lambda one: one.first)),
        ),
    )


def _row(one: FirstAccounts, differences: Sequence[FirstDifference]) -> tuple[Cell, ...]:
    apart: Cell = _DASH
    for other in differences:
        if (other.other, other.first) == (one.model, one.first):
            apart = counted_difference(Estimate(other.churned, other.interval))
    return (
        f"the first {numbers.count(one.first)}",
        named(one.model),
        counted(one.churned),
        cells.share(Estimate(one.precision, one.precision_interval)),
        cells.share(Estimate(one.recall, one.recall_interval)),
        apart,
    )


def counted_difference(found: Estimate) -> Cell:
    """Returns a difference of numbers of accounts with its interval below."""
    value = ("+" if found.value > 0 else "") + counted(found.value)
    return Noted(value, numbers.ends(found.interval, counted)) if found.interval else value


def counted(value: float) -> str:
    """Writes a number of accounts; a mean over orders may be none."""
    text = f"{value:.0f}" if abs(value - round(value)) < 0.05 else f"{value:.1f}"
    return "0" if text in ("-0", "-0.0") else text.replace("-", numbers.MINUS)


def first_here(found: Sequence[FirstAccounts], differences: Sequence[FirstDifference]) -> str:
    """Says what the middle one of the counts is worth beside recency."""
    counts = sorted({one.first for one in found})
    first = counts[len(counts) // 2]
    own = next(one for one in found if (one.model, one.first) == (CHALLENGER, first))
    said = (
        f"Of the challenger's first {numbers.count(first)} accounts {counted(own.churned)} churned "
        f"({numbers.share(own.precision)}), which are {numbers.share(own.recall)} of all that "
        "churned"
    )
    for one in found:
        if (one.model, one.first) == (RECENCY, first):
            said += f"; sorted by the last message it would be {counted(one.churned)}"
    for apart in differences:
        if (apart.other, apart.first) == (RECENCY, first) and apart.interval:
            low, high = apart.interval
            ends = numbers.ends(apart.interval, counted)
            if low <= 0 <= high:
                said += f". The two cannot be told apart: the interval of the difference is {ends}"
            else:
                more = "more" if apart.churned > 0 else "fewer"
                said += f". These are {more}, beyond chance: the interval is {ends}"
    return f"{said}."


def thresholds(found: Thresholds) -> Figure:
    """Returns precision by cut, and the confusion counts of each."""
    here = thresholds_here(found)
    rows = [Measured(_from(one), one.precision) for one in found.cuts]
    return Figure(
        picture=intervals(
            rows,
            x="precision: share of the flagged accounts that churned",
            label=f"Precision by cut with intervals, and the base rate. {here}",
            level=found.base_rate,
            number_format="%",
        ),
        here=here,
        shows="If every account with this probability or a higher one were flagged: the share of "
        "the flagged that churned, with 95% intervals. The dotted line is the churn rate of all.",
        good="Points that move to the right with the cut: a higher probability means more churn.",
        bad="Points on the dotted line: to be flagged there means nothing.",
        table=Table.of(
            "Flagged accounts of the evaluation set by cut, with 95% intervals",
            (
                "Flagged from",
                "Flagged#",
                "Churned#",
                "False alarms#",
                "Missed#",
                "Left alone#",
                "Precision#",
                "Recall#",
                "False alarms of those that stayed#",
            ),
            (_cells(one) for one in found.cuts),
        ),
    )


def thresholds_here(found: Thresholds) -> str:
    """Says what the highest risk band that anybody reaches is worth, and which none does."""
    said = []
    at = [one for one in found.cuts if one.bands]
    if at:
        one = at[-1]
        flagged = numbers.counted(one.flagged, "account", "accounts")
        said.append(
            f"{_named(one).capitalize()} flags {flagged}: {numbers.count(one.churned)} of them "
            f"churned ({numbers.share(one.precision.value)}), which are "
            f"{numbers.share(one.recall.value)} of all that churned; "
            f"{numbers.count(one.false_alarms)} are false alarms."
        )
    if found.never:
        begins = "begins" if len(found.never) == 1 else "begin"
        said.append(
            f"No account of the evaluation set reaches the probability at which "
            f"{listed(found.never)} {begins}."
        )
    if not said:
        said.append("No cut of the risk bands divides the evaluation set.")
    return " ".join(said)


def _named(one: Cut) -> str:
    return f"{one.bands.split(', ')[-1]}, from {_probability(one.probability)} on,"


def _from(one: Cut) -> str:
    return f"{_probability(one.probability)} {one.bands}".strip()


def _probability(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _cells(one: Cut) -> tuple[Cell, ...]:
    begin = _probability(one.probability)
    return (
        Noted(begin, one.bands) if one.bands else begin,
        *map(
            numbers.count, (one.flagged, one.churned, one.false_alarms, one.missed, one.left_alone)
        ),
        *map(cells.share, (one.precision, one.recall, one.false_alarm_rate)),
    )
