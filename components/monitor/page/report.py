"""The page of the monitor as one HTML file."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from components.monitor.page.alarms import alarms_answer, alarms_section
from components.monitor.page.inputs import inputs_section, measures_section
from components.monitor.page.scores import scores_section
from components.monitor.page.series import day
from components.monitor.page.truth import truth_section
from components.monitor.page_content import PageContent
from components.page import numbers
from components.page.blocks import BAD, GOOD, Badge, Section
from components.page.environment import page

SECTIONS: Final[tuple[Callable[[PageContent], Section], ...]] = (
    alarms_section,
    scores_section,
    truth_section,
    inputs_section,
    measures_section,
)
"""In the order in which one asks."""


class NothingMonitored(ValueError):
    """No run has been monitored."""


@dataclass(frozen=True)
class First:
    """What stands first: whether an alarm is open, and what the page is about."""

    as_of: str
    badge: Badge
    sentence: str
    facts: tuple[tuple[str, str], ...]


def render(content: PageContent) -> str:
    """Returns the page: no script, no font, no request, the same for the same content.

    Raises:
        NothingMonitored: There is no run to show.
    """
    if not content.report.runs:
        raise NothingMonitored(
            "no run was monitored yet: `tens-insight run score` publishes, and measures it"
        )
    sections = [section(content) for section in SECTIONS]
    return page(__package__, "monitor.j2", first=first_screen(content), sections=sections)


def first_screen(content: PageContent) -> First:
    """Returns what stands first."""
    report = content.report
    newest, oldest = report.runs[-1], report.runs[0]
    count = len(report.open_alarms)
    return First(
        as_of=f"{newest.window_end:%Y-%m-%d %H:%M} UTC",
        badge=Badge(f"{count} open", BAD) if count else Badge("none open", GOOD),
        sentence=alarms_answer(content),
        facts=(
            ("Publication", numbers.count(newest.publication_id)),
            ("Champion", newest.model_version),
            ("Runs shown", f"{numbers.count(len(report.runs))} since {day(oldest.window_end)}"),
            ("False alarms allowed", f"{report.false_alarms_per_year:g} a year, for everything"),
        ),
    )
