"""Looks things up in a review: why a section is not there, and a check of the gate."""

from components.model_gate.gate_check import OVERALL, GateCheck
from components.model_review.page.blocks import Absent
from components.model_review.review import Review
from components.model_review.sections.estimates import Estimate


def absent(review: Review, section: str, otherwise: str) -> Absent:
    """Returns why a section is not there.

    Args:
        review: Of the run.
        section: Its name in the review.
        otherwise: What to say where the review gives no reason.
    """
    return Absent(dict(review.missing).get(section) or otherwise)


def overall_check(review: Review, name: str) -> GateCheck | None:
    """Returns a check of the gate on all accounts; None where it was not made."""
    for check in review.checks:
        if (check.name, check.slice) == (name, OVERALL):
            return check
    return None


def against(review: Review, metric: str, rival: str) -> Estimate | None:
    """Returns the paired difference to a rival, challenger less rival; None if not measured.

    Args:
        review: Of the run.
        metric: auc, pr_auc or log_loss.
        rival: champion, or a baseline that the gate compares with.
    """
    check = overall_check(review, f"{metric} against the {rival}")
    if check is None or check.value is None:
        return None
    return Estimate(check.value, check.interval)
