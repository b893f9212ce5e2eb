"""Which of two models is better, in words: honest where an interval leaves it open."""

import math
from collections.abc import Mapping
from typing import Any, Final

from components.model_review.page import numbers, words
from components.model_review.page.blocks import GOOD, QUIET, WARN, Badge
from components.model_review.sections.estimates import Estimate

Found = Mapping[str, Any]

METRIC_WORDS: Final = {
    "auc": "ranking (AUC)",
    "pr_auc": "ranking at the top (PR AUC)",
    "log_loss": "probabilities (log-loss)",
    "calibration_error": "calibration error",
}
_LOWER_IS_BETTER: Final = frozenset(("log_loss", "calibration_error"))
_DECIDING: Final = ("auc", "pr_auc", "log_loss")
"""The calibration error is not: on few accounts it is mostly chance."""


def difference(pair: Found) -> Estimate | None:
    """Returns b - a of a metric or a slice; None where it could not be computed."""
    value, ends = pair["difference"], pair["interval"]
    if value is None or not math.isfinite(value):
        return None
    known = ends is not None and all(map(math.isfinite, ends))
    return Estimate(value, (ends[0], ends[1]) if known else None)


def lead(pair: Found) -> Estimate | None:
    """Returns how far b is ahead of a, above 0 where b is better; None where not known."""
    found = difference(pair)
    if found is None or pair["name"] not in _LOWER_IS_BETTER:
        return found
    ends = (-found.interval[1], -found.interval[0]) if found.interval else None
    return Estimate(-found.value, ends)


def ahead(pair: Found) -> str:
    """Returns A or B if that model is better beyond chance, else an empty text."""
    found = lead(pair)
    verdict = words.judged(found) if found else words.OPEN
    return {words.BETTER: "B", words.WORSE: "A"}.get(verdict, "")


def verdict(pair: Found) -> Badge:
    """Returns the verdict on a metric or a slice."""
    if winner := ahead(pair):
        return Badge(f"{winner} is better", GOOD if winner == "B" else WARN)
    return Badge(words.OPEN if lead(pair) else "not known", QUIET)


def better_word(found: Found) -> Badge:
    """Returns the decision in a few words."""
    if found["snapshot"] is None:
        return Badge("not compared", QUIET)
    winners = _winners(found["snapshot"])
    if len(winners) == 1:
        (winner,) = winners
        return Badge(f"{winner} is better", GOOD if winner == "B" else WARN)
    return Badge("each is better in something" if winners else words.OPEN, QUIET)


def better_here(found: Found) -> str:
    """Says which model is better in what, and what cannot be told apart."""
    snapshot = found["snapshot"]
    if snapshot is None:
        return found["not_compared"]
    if found["a"] == found["b"]:
        return "A and B are one model."
    named = {name: METRIC_WORDS.get(name, name) for name in _DECIDING}
    by_winner: dict[str, list[str]] = {"B": [], "A": [], "": []}
    for pair in _deciding(snapshot):
        by_winner[ahead(pair)].append(named[pair["name"]])
    said = [
        f"{winner} is better in {words.listed(by_winner[winner])}"
        for winner in ("B", "A")
        if by_winner[winner]
    ]
    if by_winner[""]:
        open_ = f"cannot be told apart in {words.listed(by_winner[''])}: the intervals hold 0"
        said.append(open_ if said else f"A and B {open_}")
    return f"{'; '.join(said)}." if said else "Nothing could be measured."


def ranking_here(snapshot: Found) -> str:
    """Says what the AUC of both means."""
    pair = next((one for one in snapshot["metrics"] if one["name"] == "auc"), None)
    if pair is None or lead(pair) is None:
        return "Here ranking could not be measured."
    return (
        f"Here B gives a leaver a higher score than a stayer in {numbers.share(pair['b'])} of all "
        f"pairs, and A in {numbers.share(pair['a'])}; a coin would in 50%."
    )


def calls_here(snapshot: Found) -> str:
    """Says how many calls either model needs to reach half of the leavers."""
    calls = snapshot["calls_for_half"]
    if calls is None:
        return "Here nobody left, so there is nobody to find."
    return (
        f"Here B reaches half of the {numbers.counted(snapshot['churned'], 'leaver', 'leavers')} "
        f"with the first {numbers.counted(calls[1], 'call', 'calls')} of "
        f"{numbers.count(snapshot['accounts'])}, and A with the first {numbers.count(calls[0])}."
    )


def _deciding(snapshot: Found) -> list[Found]:
    return [pair for pair in snapshot["metrics"] if pair["name"] in _DECIDING and lead(pair)]


def _winners(snapshot: Found) -> set[str]:
    return {ahead(pair) for pair in _deciding(snapshot)} - {""}
