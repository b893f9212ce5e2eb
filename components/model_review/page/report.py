"""The evaluation report as one HTML file."""

from collections.abc import Callable
from typing import Final

from components.model_review.page.accounts import what_would_happen
from components.model_review.page.blocks import Section
from components.model_review.page.calibration import can_i_believe_it
from components.model_review.page.changes import what_changed
from components.model_review.page.decision import first_screen
from components.model_review.page.environment import page
from components.model_review.page.importance import what_drives_it
from components.model_review.page.lineage import model_card, where_it_comes_from
from components.model_review.page.performance import is_it_better
from components.model_review.page.slices import for_whom_is_it_worse
from components.model_review.review import Review

SECTIONS: Final[tuple[Callable[[Review], Section], ...]] = (
    is_it_better,
    for_whom_is_it_worse,
    can_i_believe_it,
    what_changed,
    what_would_happen,
    what_drives_it,
    model_card,
    where_it_comes_from,
)
"""In the order in which a reviewer asks."""


def render(review: Review) -> str:
    """Returns the page: no script, no font, no request, the same for the same review.

    Args:
        review: Every number of the page.
    """
    sections = [section(review) for section in SECTIONS]
    return page(
        "review.j2", first=first_screen(review), sections=sections, run_id=review.head.run_id
    )
