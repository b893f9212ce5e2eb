"""Which of two models is better, in words: honest where an interval leaves it open."""

from collections.abc import Mapping, Sequence
from typing import Final

from components.model_review.page import words
from components.model_review.sections.compared import Comparison, OneEvaluation, Pair
from components.model_review.sections.estimates import Estimate
from components.page import numbers
from components.page.blocks import GOOD, QUIET, WARN, Badge
from components.page.words import listed
from serving_model.evaluation.metrics import AUC, METRICS, Metric

_DECIDING: Final = tuple(metric for metric in METRICS.values() if metric.max_worsening is not None)
"""The metrics that the gate compares by. The calibration error is none of them: on few accounts it
is mostly chance."""


def lead(pair: Pair | None, metric: Metric = AUC) -> Estimate | None:
    """Returns how far b is ahead of a, above 0 where b is better; None where not known."""
    found = pair.difference if pair else None
    if found is None or metric.higher_is_better:
        return found
    ends = (-found.interval[1], -found.interval[0]) if found.interval else None
    return Estimate(-found.value, ends)


def ahead(pair: Pair | None, metric: Metric = AUC) -> str:
    """Returns A or B if that model is better beyond chance, else an empty text."""
    found = lead(pair, metric)
    verdict = words.judged(found) if found else words.OPEN
    return {words.BETTER: "B", words.WORSE: "A"}.get(verdict, "")


def verdict(pair: Pair | None, metric: Metric = AUC) -> Badge:
    """Returns the verdict on a metric, or on AUC within a slice."""
    if winner := ahead(pair, metric):
        return Badge(f"{winner} is better", GOOD if winner == "B" else WARN)
    return Badge(words.OPEN if lead(pair, metric) else "not known", QUIET)


def better_word(found: Comparison) -> Badge:
    """Returns the decision in a few words."""
    if found.evaluation is None:
        return Badge("not compared", QUIET)
    metrics = found.evaluation.metrics
    winners = {ahead(metrics[one.name], one) for one in _deciding(metrics)} - {""}
    if len(winners) == 1:
        (winner,) = winners
        return Badge(f"{winner} is better", GOOD if winner == "B" else WARN)
    return Badge("each is better in something" if winners else words.OPEN, QUIET)


def better_here(found: Comparison) -> str:
    """Says which model is better in what, and what cannot be told apart."""
    evaluation = found.evaluation
    if evaluation is None:
        return found.not_compared
    if found.a == found.b:
        return "A and B are one model."
    said = led(evaluation.metrics)
    return f"{said}." if said else "Nothing could be measured."


def led(metrics: Mapping[str, Pair]) -> str:
    """Says in what either is better beyond chance; empty where nothing was measured of both."""
    by_winner: dict[str, list[str]] = {"B": [], "A": [], "": []}
    for metric in _deciding(metrics):
        by_winner[ahead(metrics[metric.name], metric)].append(metric.phrase)
    said = [
        f"{winner} is better in {listed(by_winner[winner])}"
        for winner in ("B", "A")
        if by_winner[winner]
    ]
    if by_winner[""]:
        open_ = f"cannot be told apart in {listed(by_winner[''])}: the intervals hold 0"
        said.append(open_ if said else f"A and B {open_}")
    return "; ".join(said)


def ranking_here(metrics: Mapping[str, Pair]) -> str:
    """Says what the AUC of both means."""
    pair = metrics.get(AUC.name)
    if pair is None or pair.difference is None:
        return "Here ranking could not be measured."
    return (
        "Here B gives a churned account a higher score than one that stayed in "
        f"{numbers.share(pair.b)} of all pairs, and A in {numbers.share(pair.a)}; a coin would "
        "in 50%."
    )


def contacts_here(evaluation: OneEvaluation) -> str:
    """Says how many contacts either model needs to reach half of the churned accounts."""
    contacts = evaluation.contacts_for_half
    if contacts is None:
        return "Here no account churned, so there is none to reach."
    churned = numbers.counted(evaluation.churned, "churned account", "churned accounts")
    return (
        f"Here B reaches half of the {churned} with the first "
        f"{numbers.counted(contacts[1], 'contact', 'contacts')} of "
        f"{numbers.count(evaluation.accounts)}, and A with the first {numbers.count(contacts[0])}."
    )


def _deciding(metrics: Mapping[str, Pair]) -> Sequence[Metric]:
    return [one for one in _DECIDING if one.name in metrics and lead(metrics[one.name], one)]
