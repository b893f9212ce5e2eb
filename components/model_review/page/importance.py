"""What drives it? Permutation importance, and contributions to today's scores."""

import math
from collections.abc import Sequence
from typing import Final

from components.model_review.page import cells
from components.model_review.page.charts.intervals import Measured, intervals
from components.model_review.page.words import absent
from components.model_review.review import Review
from components.model_review.sections.estimates import Estimate
from components.model_review.sections.importance import Contribution, Importance
from components.page import numbers, theme
from components.page.blocks import Block, Figure, Part, Section, Table
from serving_model.reasons.factors import factor

_NONE: Final = "The run computed no attributions."


def importance_section(review: Review) -> Section:
    """Returns the section."""
    asked: Block = absent(review, "importance", _NONE)
    moved: Block = absent(review, "contributions", _NONE)
    answer = "" if review.importance else "Not known: no attributions were computed."
    if review.contributions:
        moved, answer = _contributions(review.contributions), _largest(review.contributions)
    if review.importance:
        asked, answer = _importance(review.importance), _most(review.importance) + answer
    parts = (
        Part("Permutation importance", (asked,)),
        Part("Contributions to today's scores", (moved,)),
    )
    return Section("drives", "What drives it?", answer, parts)


def _most(found: Sequence[Importance]) -> str:
    return f"The ranking depends most on {_quoted(found[0].words)}. "


def _largest(found: Sequence[Contribution]) -> str:
    return f"The largest contributions to today's scores come from {_quoted(found[0].words)}."


def _quoted(words: str) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{words}\N{RIGHT DOUBLE QUOTATION MARK}"


def importance_here(found: Sequence[Importance]) -> str:
    """Says which group the ranking depends on most, and how many cost no AUC."""
    first = found[0]
    idle = sum(one.auc_lost.value <= 0 for one in found)
    return (
        f"The ranking loses {numbers.metric(first.auc_lost.value)} of AUC without "
        f"{_quoted(first.words)}. "
        f"{numbers.count(idle)} of {numbers.count(len(found))} groups can be shuffled without a "
        "loss."
    )


def contributions_here(found: Sequence[Contribution]) -> str:
    """Says which group contributes most to scores."""
    first = found[0]
    return (
        f"{_quoted(first.words)} changes the odds of churn by {factor(first.mean_absolute)} or its "
        f"inverse on average, and raises the risk of {numbers.share(first.raises)} of the accounts."
    )


def _importance(found: Sequence[Importance]) -> Figure:
    rows = [Measured(one.words, one.auc_lost) for one in found]
    here = importance_here(found)
    accounts = numbers.counted(found[0].accounts, "account", "accounts")
    return Figure(
        picture=intervals(
            rows, x="AUC lost", label=f"AUC lost by group. {here}", bars=True, number_format=".2f"
        ),
        here=here,
        shows="How much worse the ranking gets when the values of a group are shuffled among "
        f"{accounts} of the evaluation set; the thin line is the range of several shuffles.",
        good="Several important groups, which make sense to those who know the accounts.",
        bad="A single dominant group, or an important group that should not matter.",
        table=Table.of(
            "Permutation importance by reason group",
            ("Group", "Features#", "AUC lost#", "Log-loss added#"),
            (
                (
                    one.words,
                    numbers.count(one.features),
                    cells.estimate(one.auc_lost, signed=True),
                    cells.estimate(one.log_loss_added, signed=True),
                )
                for one in found
            ),
            folded=True,
        ),
    )


def _contributions(found: Sequence[Contribution]) -> Figure:
    rows = [
        Measured(one.words, Estimate(math.expm1(one.mean_absolute)), theme.CHALLENGER)
        for one in found
    ]
    here = contributions_here(found)
    accounts = numbers.counted(found[0].accounts, "account", "accounts")
    return Figure(
        picture=intervals(
            rows,
            x="mean change of the odds, up or down",
            label=f"Mean contribution by group. {here}",
            bars=True,
            number_format=".0%",
        ),
        here=here,
        shows="By how much each group changes the odds of churn on average, up or down, of "
        f"{accounts} of today; 100% doubles the odds, or halves them.",
        good="The same groups at the top as above.",
        bad="A group with large contributions but no permutation importance: it adds noise.",
        table=Table.of(
            "Mean contribution by reason group, as a factor on the odds of churn",
            ("Group", "Up or down#", "Mean#", "Raises the risk of#"),
            (
                (
                    one.words,
                    factor(one.mean_absolute),
                    factor(one.mean),
                    numbers.share(one.raises),
                )
                for one in found
            ),
            folded=True,
        ),
    )
