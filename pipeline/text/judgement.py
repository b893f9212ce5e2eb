"""What the gate said of horizons and of the first accounts, for summaries and `models show`."""

from collections.abc import Iterator, Sequence
from typing import Final

from components.model_gate.decision_file import CHALLENGER, Decision, JudgedHorizon
from serving_model.evaluation.ranking import COLD_START_RULE, RECENCY, FirstAccounts

_SMALLEST: Final = 0.0001
_OTHERS: Final = {RECENCY: "recency", COLD_START_RULE: "the cold-start rule"}
"""What baselines are called, by name."""


def horizon_lines(horizons: Sequence[JudgedHorizon]) -> Iterator[str]:
    """Yields a sentence about each horizon, judged or not."""
    for one in horizons:
        if one.not_judged:
            yield f"within {one.days} days: not judged, {one.not_judged}"
            continue
        area = "none" if one.auc is None else f"{one.auc:.3f}{_ends(one.auc_interval, '.3f')}"
        yield (
            f"within {one.days} days: AUC {area}, {one.mean_predicted:.2%} predicted, "
            f"{one.mean_observed:.2%} observed (P {_p(one.p_value)}), {one.accounts} accounts"
        )


def unjudged_line(horizons: Sequence[JudgedHorizon]) -> str:
    """Says which horizons were not judged, and why; empty where all were."""
    return "; ".join(
        f"not judged: churn within {one.days} days, {one.not_judged}"
        for one in horizons
        if one.not_judged
    )


def first_lines(decision: Decision) -> Iterator[str]:
    """Yields what the challenger's first accounts are worth, beside those of two baselines."""
    found = {(one.model, one.first): one for one in decision.first_accounts}
    apart = {(one.other, one.first): one for one in decision.first_differences}
    for one in decision.first_accounts:
        if one.model != CHALLENGER:
            continue
        line = f"the first {one.first}: {_worth(one)}"
        for name, words in _OTHERS.items():
            if other := found.get((name, one.first)):
                line += f"; by {words} {_number(other.churned)}"
            if less := apart.get((name, one.first)):
                line += f", difference {less.churned:+.1f}{_ends(less.interval, '+.1f')}"
        yield line


def first_line(decision: Decision) -> str:
    """Returns the sentence about the first hundred accounts, or the count nearest to it."""
    lines = list(first_lines(decision))
    return lines[len(lines) // 2] if lines else ""


def _worth(one: FirstAccounts) -> str:
    return (
        f"{_number(one.churned)} churned, precision {one.precision:.1%}"
        f"{_ends(one.precision_interval, '.1%')}, recall {one.recall:.1%}"
        f"{_ends(one.recall_interval, '.1%')}"
    )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _ends(found: tuple[float, float] | None, digits: str) -> str:
    return "" if found is None else f" [{found[0]:{digits}}, {found[1]:{digits}}]"


def _p(value: float | None) -> str:
    if value is None:
        return "not known"
    return "below 0.0001" if value < _SMALLEST else f"{value:.4f}"
