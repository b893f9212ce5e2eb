"""The evaluation report as one HTML file."""

from collections.abc import Callable
from typing import Final

from components.model_review.page.accounts import accounts_section
from components.model_review.page.calibration import calibration_section
from components.model_review.page.changes import changes_section
from components.model_review.page.decision import first_screen
from components.model_review.page.importance import importance_section
from components.model_review.page.lineage import lineage_section, model_card_section
from components.model_review.page.performance import performance_section
from components.model_review.page.slices import slices_section
from components.model_review.review import Review
from components.page.blocks import Section
from components.page.environment import page

SECTIONS: Final[tuple[Callable[[Review], Section], ...]] = (
    performance_section,
    slices_section,
    calibration_section,
    changes_section,
    accounts_section,
    importance_section,
    model_card_section,
    lineage_section,
)
"""In the order in which a reviewer asks."""


def render(review: Review) -> str:
    """Returns the page: no script, no font, no request, the same for the same review.

    Args:
        review: Every number of the page.
    """
    sections = [section(review) for section in SECTIONS]
    return page(
        __package__,
        "review.j2",
        first=first_screen(review),
        sections=sections,
        run_id=review.head.run_id,
    )
