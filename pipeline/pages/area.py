"""One product area and segment: its score, its counts over time, and which accounts wrote."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from components.feedback_example_gen.reading.area_accounts import AreaAccount, read_area_accounts
from components.feedback_example_gen.reading.area_counts import AreaWindow
from components.page import numbers
from components.page.blocks import Absent, Block, Link, Part, Section, Table
from components.product_area_scorer.impact_file import ExplainedAreas
from components.publishing.area_history import AreaMoment, area_course, area_publication
from pipeline.pages.accounts import name_of
from pipeline.pages.area_blocks import (
    WORDS,
    counted,
    counts_course,
    day,
    points,
    scores_course,
)
from pipeline.pages.areas import COURSE, COURSE_DAYS, explained
from pipeline.pages.page import NotThere, Page, Shown, View, address
from pipeline.settings import Settings
from transforms.product_area_impact import AreaImpact

_ACCOUNTS: Final = 25
"""That are named."""


def _build(view: View) -> Shown:
    pair = (view.query.get("product_area"), view.query.get("segment"))
    published = area_publication(view.cursor)
    course: Sequence[AreaMoment] = ()
    if published is not None:
        since = published.as_of - timedelta(days=COURSE_DAYS)
        course = area_course(view.cursor, [pair], since)
    if published is None or not course:
        raise NotThere("No publication that is kept has this area and segment.")
    found = explained(view.settings, published)
    window = _window(found, view.settings)
    rows = read_area_accounts(view.cursor, *pair, published.as_of, window, _ACCOUNTS)
    sections = (
        _made_of(found, pair),
        _moves(course, pair),
        _accounts(rows, window),
    )
    newest = course[-1]
    lead = f"{points(newest.priority_score)} of 100 points as of {day(newest.as_of)}" + (
        ", the newest publication." if newest.as_of == published.as_of else ": not ranked since."
    )
    values = {"facts": (), "sections": sections}
    return Shown(" / ".join(pair), values=values, lead=lead)


def _window(found: ExplainedAreas | str, settings: Settings) -> AreaWindow:
    if isinstance(found, ExplainedAreas):
        return found.window
    return AreaWindow(settings.reading.area_window_days, settings.reading.critical_priority)


def _made_of(found: ExplainedAreas | str, pair: tuple[str, str]) -> Section:
    question = "What is its score made of?"
    one = None if isinstance(found, str) else _impact(found, pair)
    if isinstance(found, str) or one is None:
        why = found if isinstance(found, str) else "The newest publication does not rank it."
        part = Part("Signal by signal", (Absent(why),))
        return Section("made-of", question, "That is not known.", (part,))
    counts, weights = counted(one.counts), found.weights.as_dict()
    rows = [
        (
            WORDS[name],
            numbers.count(counts[name]) if name in counts else _yes(value > 0, weights[name]),
            f"{weights[name]:.4g}",
            points(value),
        )
        for name, value in one.contributions.items()
    ]
    rank = found.impacts.index(one) + 1
    answer = (
        f"It is number {numbers.count(rank)} of {numbers.count(len(found.impacts))}, by "
        f"{numbers.counted(one.counts.feedback, 'row', 'rows')} of feedback in "
        f"{numbers.counted(found.window.days, 'day', 'days')}."
    )
    columns = ("Signal", "Counted#", "Weight#", "Points#")
    table = Table.of("Points by signal, which add up to the score", columns, rows)
    return Section("made-of", question, answer, (Part("Signal by signal", (table,)),))


def _yes(holds: bool, weight: float) -> str:
    if not weight:
        return numbers.NOT_KNOWN
    return "yes" if holds else "no"


def _impact(found: ExplainedAreas, pair: tuple[str, str]) -> AreaImpact | None:
    return next(
        (one for one in found.impacts if (one.counts.product_area, one.counts.segment) == pair),
        None,
    )


def _moves(course: Sequence[AreaMoment], pair: tuple[str, str]) -> Section:
    parts = (
        Part("The score", (scores_course(course, [pair]),)),
        Part("What was counted", (counts_course(course),)),
    )
    answer = f"{numbers.counted(len(course), 'publication is', 'publications are')} kept."
    return Section("moves", "How did it move?", answer, parts)


def _accounts(rows: Sequence[AreaAccount], window: AreaWindow) -> Section:
    question = "Which accounts wrote?"
    if not rows:
        part = Part("Account by account", (Absent("No account wrote in the window.", "None"),))
        return Section("accounts", question, "None that is named.", (part,))
    shown = sum(one.feedback for one in rows)
    answer = (
        f"{numbers.counted(rows[0].accounts, 'account', 'accounts')} in the "
        f"{numbers.counted(window.days, 'day', 'days')} before the publication; the "
        f"{numbers.count(len(rows))} below wrote {numbers.counted(shown, 'row', 'rows')}. The "
        "feedback is counted now: what came late is in it."
    )
    blocks: tuple[Block, ...] = (_accounts_table(rows),)
    return Section("accounts", question, answer, (Part("Account by account", blocks),))


def _accounts_table(rows: Sequence[AreaAccount]) -> Table:
    columns = ("Account", "Rows#", "Negative#", "Critical#", "Last 7 days#", "Wrote last")
    cells = [
        (
            Link(name_of(one.account_id), address("/pages/account", id=one.account_id)),
            numbers.count(one.feedback),
            numbers.count(one.negative),
            numbers.count(one.critical),
            numbers.count(one.recent),
            day(one.newest),
        )
        for one in rows
    ]
    return Table.of("Accounts with most rows", columns, cells)


PAGE: Final = Page("/pages/area", "", _build, (COURSE,))
