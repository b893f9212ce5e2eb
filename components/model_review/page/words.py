"""Sentences about differences between models, and about what the review does not have."""

import re
from typing import TYPE_CHECKING, Final

from components.model_gate.gate_check import OVERALL, GateCheck
from components.model_review.sections.estimates import Estimate
from components.page import numbers
from components.page.blocks import Absent
from serving_model.evaluation.metrics import METRICS

if TYPE_CHECKING:  # it loads TensorFlow, which a page of two models can do without
    from components.model_review.review import Review

BETTER: Final = "better"
WORSE: Final = "worse"
OPEN: Final = "cannot be told apart"
SAME: Final = "no difference"
NO_INTERVAL: Final = "no interval"
_PLAIN: Final = {
    **{name: metric.label for name, metric in METRICS.items()},
    "the logistic_regression": "the logistic regression",
    "the cold_start_rule": "the cold-start rule",
}


def judged(difference: Estimate, lower_is_better: bool = False) -> str:
    """Returns BETTER, WORSE, OPEN or SAME; NO_INTERVAL where none was made.

    Args:
        difference: Challenger minus the other model.
        lower_is_better: Whether less of the metric is better, as for log-loss.
    """
    if difference.interval is None:
        return NO_INTERVAL
    low, high = difference.interval
    if difference.value == low == high == 0:
        return SAME
    if low <= 0 <= high:
        return OPEN
    return BETTER if (high < 0) == lower_is_better else WORSE


def compared(other: str, by: str, difference: Estimate, lower_is_better: bool = False) -> str:
    """Returns a sentence about the challenger and another model.

    Args:
        other: What it is called.
        by: What they are compared by, such as `ranking (AUC)`.
        difference: Challenger minus the other model.
        lower_is_better: Whether less of the metric is better, as for log-loss.
    """
    verdict = judged(difference, lower_is_better)
    both = f"By {by} the challenger and the {other}"
    apart = f"the difference is {numbers.difference(difference.value)}"
    ends = numbers.ends(difference.interval, numbers.difference)
    if verdict == NO_INTERVAL:
        return f"{both} may or may not differ: {apart}, and how sure that is was not measured."
    if verdict == SAME:
        return f"{both} do not differ at all."
    if verdict == OPEN:
        return f"{both} cannot be told apart: {apart}, and its interval, {ends}, holds 0."
    side = "below" if difference.value < 0 else "above"
    return (
        f"By {by} the challenger is {verdict} than the {other}: {apart}, and its interval, "
        f"{ends}, lies wholly {side} 0."
    )


def plain(text: str) -> str:
    """Returns a sentence or a name of the gate with its metrics written as elsewhere."""
    for name, said in _PLAIN.items():
        text = re.sub(rf"\b{name}\b", said, text)
    return text


def absent(review: "Review", section: str, otherwise: str) -> Absent:
    """Returns why a section is not there.

    Args:
        review: Of the run.
        section: Its name in the review.
        otherwise: What to say where the review gives no reason.
    """
    return Absent(dict(review.missing).get(section) or otherwise)


def overall_check(review: "Review", name: str) -> GateCheck | None:
    """Returns a check of the gate on all accounts; None where it was not made."""
    for check in review.checks:
        if (check.name, check.slice) == (name, OVERALL):
            return check
    return None


def against(review: "Review", metric: str, other: str) -> Estimate | None:
    """Returns the paired difference challenger less another model; None if not measured.

    Args:
        review: Of the run.
        metric: auc, pr_auc or log_loss.
        other: champion, or a baseline that the gate compares with.
    """
    check = overall_check(review, f"{metric} against the {other}")
    if check is None or check.value is None:
        return None
    return Estimate(check.value, check.interval)
