"""Beside the cold-start rule, which learns nothing: what a first model takes the place of."""

from collections.abc import Iterator
from typing import Final

from components.model_gate.decision_file import CHALLENGER
from components.model_review.page import cells, words
from components.model_review.page.charts.models import named
from components.model_review.page.contacting import counted, counted_difference
from components.model_review.page.words import absent, against
from components.model_review.review import Review
from components.model_review.sections.estimates import Estimate
from components.model_review.sections.performance import ModelMetrics
from components.page import numbers
from components.page.blocks import Absent, Cell, Part, Table, Text
from components.page.words import sentence
from serving_model.evaluation.metrics import METRICS
from serving_model.evaluation.ranking import COLD_START_RULE, FirstAccounts

_TITLE: Final = "Is it better than a rule that learns nothing?"
_BY: Final = {"auc": "ranking (AUC)", "pr_auc": "PR AUC"}
"""The rule is compared by its ranking: nothing was fitted to make its probabilities right."""
_COLUMNS: Final = ("On the evaluation set", "Challenger#", "Cold-start rule#", "Difference#")
_WHAT: Final = (
    "The cold-start rule adds up fixed weights of an account's own feedback. It scores where there "
    "is no model yet, if the settings say so, and is a baseline of the gate."
)


def rule_part(review: Review) -> Part:
    """Returns challenger and rule side by side."""
    if review.performance is None:
        return Part(_TITLE, (absent(review, "performance", "The run measured no model."),))
    found = {one.model: one for one in review.performance.metrics}
    if COLD_START_RULE not in found:
        return Part(_TITLE, (Absent("The gate did not measure the cold-start rule."),))
    rows = (*_ranking(review, found[CHALLENGER], found[COLD_START_RULE]), *_first(review))
    table = Table.of("Challenger and cold-start rule, with 95% intervals", _COLUMNS, rows)
    return Part(_TITLE, (Text(" ".join((*rule_sentences(review), _WHAT))), table))


def rule_sentences(review: Review) -> Iterator[str]:
    """Yields how the challenger ranks beside the rule, by each measure."""
    for metric, by in _BY.items():
        if (difference := against(review, metric, COLD_START_RULE)) is not None:
            yield words.compared(named(COLD_START_RULE), by, difference)
    counts = sorted(_counts(review))
    if counts:
        yield _contacts(review, counts[len(counts) // 2])


def _counts(review: Review) -> set[int]:
    return {one.first for one in review.first_accounts if one.model == COLD_START_RULE}


def _contacts(review: Review, first: int) -> str:
    own, rule = (_of(review, model, first) for model in (CHALLENGER, COLD_START_RULE))
    said = (
        f"Of the first {numbers.count(first)} accounts {counted(own.churned)} churned by the "
        f"challenger's order, and {counted(rule.churned)} by the rule's"
    )
    apart = _apart(review, first)
    if apart is None or apart.interval is None:
        return f"{said}."
    ends, shown = apart.interval, numbers.ends(apart.interval, counted)
    if ends[0] <= 0 <= ends[1]:
        return f"{said}; that may be chance: the interval of the difference, {shown}, holds 0."
    return f"{said}, beyond chance: the interval of the difference is {shown}."


def _of(review: Review, model: str, first: int) -> FirstAccounts:
    return next(one for one in review.first_accounts if (one.model, one.first) == (model, first))


def _apart(review: Review, first: int) -> Estimate | None:
    for one in review.first_differences:
        if (one.other, one.first) == (COLD_START_RULE, first):
            return Estimate(one.churned, one.interval)
    return None


def _ranking(review: Review, own: ModelMetrics, rule: ModelMetrics) -> Iterator[tuple[Cell, ...]]:
    for name in _BY:
        yield (
            sentence(METRICS[name].label).rstrip("."),
            cells.estimate(own.metrics[name]),
            cells.estimate(rule.metrics[name]),
            cells.estimate(against(review, name, COLD_START_RULE), signed=True),
        )


def _first(review: Review) -> Iterator[tuple[Cell, ...]]:
    for first in sorted(_counts(review)):
        both = (_of(review, model, first) for model in (CHALLENGER, COLD_START_RULE))
        apart = _apart(review, first)
        yield (
            f"Churned among the first {numbers.count(first)}",
            *(counted(one.churned) for one in both),
            counted_difference(apart) if apart else numbers.NOT_KNOWN,
        )
