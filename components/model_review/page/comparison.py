"""Two models side by side, as one HTML file."""

from collections.abc import Mapping
from typing import Any

from components.model_review.page import numbers
from components.model_review.page.environment import page
from components.model_review.page.sections.pair_accounts import who_moves
from components.model_review.page.sections.pair_differences import what_differs
from components.model_review.page.sections.pair_quality import (
    for_whom,
    which_is_better,
)
from components.model_review.page.sections.pair_words import better_here, better_word


def render(found: Mapping[str, Any]) -> str:
    """Returns the page: no script, no font, no request, the same for the same comparison.

    Args:
        found: Plain values by name; differences are b - a, intervals are paired ones of 95 %.
            - a, b: Versions of the models.
            - snapshot: Both on one evaluation snapshot; None if they cannot be compared so.
                - version: The model of whose run it is.
                - cutoff: ISO 8601 UTC.
                - accounts, churned: Its size, and how many of them churned.
                - metrics: Of auc, pr_auc, log_loss and calibration_error: name, a, b,
                  difference, interval. What cannot be computed is NaN or None.
                - calls_for_half: Accounts to call to reach half of the leavers, by a and by
                  b; None where nobody left.
                - slices: name, accounts, churned, too_little (why nothing is said of it,
                  else empty), and of AUC a, b, difference, interval, None where too_little.
                - moved: The accounts that move most, the furthest first: account_id, a, b,
                  category_a, category_b, churned; none where accounts are not to be named.
            - not_compared: Why there is no snapshot; empty if there is one.
            - data, settings: What differs: name, a, b, which are "-" if not recorded.
    """
    sections = (which_is_better(found), for_whom(found), who_moves(found), what_differs(found))
    return page(
        "comparison.j2",
        a=found["a"],
        b=found["b"],
        badge=better_word(found),
        sentence=better_here(found),
        facts=_facts(found),
        sections=sections,
    )


def _facts(found: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    models = (("A", found["a"]), ("B", found["b"]))
    snapshot = found["snapshot"]
    if snapshot is None:
        return (*models, ("Compared on", "no snapshot that is fair to both"))
    accounts = numbers.counted(snapshot["accounts"], "account", "accounts")
    return (
        *models,
        ("Compared on", f"the evaluation snapshot of {snapshot['version']}"),
        ("At the cutoff", numbers.moment(snapshot["cutoff"])),
        ("Which holds", f"{accounts}, {numbers.count(snapshot['churned'])} of which left"),
    )
