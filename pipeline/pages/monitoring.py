"""Monitoring as it stands: what `tens-insight monitor --html` writes, within the frame."""

from dataclasses import replace
from typing import Any, Final

from components.monitor.page.report import SECTIONS, first_screen
from components.monitor.page_content import read_content
from components.page.blocks import Absent, Cell, Link
from pipeline.pages.accounts import name_of
from pipeline.pages.page import Page, Shown, View, address

READS: Final = (
    "tens_insight.profile_metrics",
    "tens_insight.drift_metrics",
    "tens_insight.score_publications",
    "tens_insight.score_windows",
    "tens_insight.score_changes",
    "tens_insight.score_causes",
    "tens_insight.account_score_parts",
    "tens_insight.outcome_windows",
    "tens_insight.model_performance",
    "tens_insight.missed_churn",
)
_RUNS: Final = 30
"""That are shown, as `tens-insight monitor` does."""
_NOTHING: Final = (
    "No run was monitored yet: `tens-insight run score` publishes, and measures what it published."
)


def _build(view: View) -> Shown:
    allowed = view.settings.monitoring.false_alarms_per_year
    found = read_content(view.cursor, _RUNS, allowed)
    if not found.report.runs:
        absent = Absent(_NOTHING, "None")
        return Shown("Monitoring", "monitoring.j2", {"absent": absent})
    content = replace(found, account=_account)
    sections = [section(content) for section in SECTIONS]
    first = first_screen(content)
    values: dict[str, Any] = {"absent": None, "first": first, "sections": sections}
    return Shown("Monitoring", "monitoring.j2", values, lead=f"As of {first.as_of}.")


def _account(account_id: str) -> Cell:
    return Link(name_of(account_id), address("/pages/account", id=account_id))


PAGE: Final = Page("/pages/monitoring", "Monitoring", _build, READS)
