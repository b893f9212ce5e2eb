"""Product areas: what their scores are made of, how they moved, and other weights tried out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from components.page import numbers
from components.page.blocks import Absent, Part, Section, Table
from components.product_area_scorer.impact_file import ExplainedAreas
from components.publishing.area_history import AreaPublication, area_course, area_publication
from components.publishing.published import PublishedArea, top_areas
from pipeline.pages.area_blocks import (
    LOOKS,
    WORDS,
    pair_link,
    pair_name,
    parts_figure,
    parts_table,
    points,
    scores_course,
)
from pipeline.pages.page import Page, Query, Shown, View
from pipeline.settings import Settings
from transforms.product_area_impact import SIGNALS, AreaImpact, Weights, area_impacts

COURSE: Final = "tens_insight.product_area_impact_runs"
"""The view of the publications of product areas."""
COURSE_DAYS: Final = 400
"""For which a picture shows the publications."""
_ROWS: Final = 200
"""Of a table of pairs."""
_NOTHING: Final = (
    "No run has published product areas yet: `tens-insight run score` does, and `tens-insight run "
    "train`, which trains a model beside."
)


@dataclass(frozen=True)
class Field:
    """One weight of the form: its signal, in words, now, what was typed, and what is tried."""

    name: str
    words: str
    now: str
    typed: str
    tried: str


@dataclass(frozen=True)
class Trial:
    """Other weights as they were asked for.

    Attributes:
        typed: By signal, as text; blank ones are left out.
        weights: What is tried; None where nothing is, or what was typed makes no weights.
        problem: Why not; empty if nothing is wrong.
    """

    typed: Mapping[str, str]
    weights: Weights | None = None
    problem: str = ""


def _build(view: View) -> Shown:
    published = area_publication(view.cursor)
    if published is None:
        return Shown("Product areas", "areas.j2", {**_WITHOUT, "absent": Absent(_NOTHING)})
    found = explained(view.settings, published)
    if isinstance(found, str):
        rows = top_areas(view.cursor.connection, _ROWS)
        sections = (_plain(rows, found), _moves(view, published, rows))
        values: dict[str, Any] = {**_WITHOUT, "sections": sections}
        return Shown("Product areas", "areas.j2", values, lead=_lead(published, found))
    trial = tried(view.query, found.weights)
    values = {
        "absent": None,
        "sections": (_made_of(found), _moves(view, published, found.impacts)),
        "fields": _fields(found.weights, trial),
        "problem": trial.problem,
        "results": _results(found, trial.weights),
    }
    return Shown("Product areas", "areas.j2", values, lead=_lead(published, found))


_WITHOUT: Final[dict[str, Any]] = {
    "absent": None,
    "sections": (),
    "fields": (),
    "problem": "",
    "results": None,
}


def explained(settings: Settings, published: AreaPublication) -> ExplainedAreas | str:
    """Returns what the published scores are made of; or why that is not known."""
    from pipeline.registry.explained_areas import find_explained
    from pipeline.registry.registry import Registry

    return find_explained(Registry(settings.metadata_path), published)


def tried(query: Query, now: Weights) -> Trial:
    """Reads other weights from what was asked for.

    A signal that is named gets its weight, the others share what is left in proportion, as
    `tens-insight areas --what-if` does it.
    """
    typed = {name: text for name in SIGNALS if (text := query.get(name).strip())}
    if not typed:
        return Trial(typed)
    changes = {}
    for name, text in typed.items():
        try:
            changes[name] = float(text.replace(",", "."))
        except ValueError:
            return Trial(typed, problem=f"The weight of {WORDS[name]} is not a number.")
    try:
        return Trial(typed, now.changed(changes))
    except ValueError as error:
        said = str(error)
        return Trial(typed, problem=f"{said[0].upper()}{said[1:]}.")


def _lead(published: AreaPublication, found: ExplainedAreas | str) -> str:
    said = f"As of {numbers.moment(published.as_of.isoformat())}, by {published.model_version}"
    if isinstance(found, str):
        return f"{said}."
    rows = sum(one.feedback for one in found.pairs)
    return (
        f"{said}: {numbers.counted(rows, 'row', 'rows')} of feedback of the "
        f"{numbers.counted(found.window.days, 'day', 'days')} before."
    )


def _made_of(found: ExplainedAreas) -> Section:
    impacts = found.impacts
    if not impacts:
        part = Part("Pair by pair", (Absent("There was no feedback in the window."),))
        return Section("made-of", _MADE_OF, "No pair has a score.", (part,))
    first = impacts[0]
    strongest = sorted(first.contributions.items(), key=lambda one: -one[1])[:2]
    said = " and ".join(f"{points(value)} by {WORDS[name]}" for name, value in strongest)
    answer = (
        f"{pair_name(first.counts)} is first with {points(first.priority_score)} of 100 points, "
        f"of these {said}."
    )
    shows = (
        "Each bar is a score; its colours are the points of the signals. Small numbers in the "
        "table are what was counted."
    )
    figure = parts_figure(impacts, parts_table(impacts, _ROWS), shows)
    return Section("made-of", _MADE_OF, answer, (Part("Pair by pair", (figure,)),))


_MADE_OF: Final = "Which areas matter most, and what makes them up?"


def _plain(rows: Sequence[PublishedArea], why: str) -> Section:
    table = Table.of(
        f"The first {numbers.counted(len(rows), 'pair', 'pairs')}",
        ("Area and segment", "Score#", "Feedback#", "Negative#", "Critical#"),
        [
            (
                pair_link(one.product_area, one.segment),
                points(one.priority_score),
                numbers.count(one.feedback_count),
                numbers.count(one.negative_count),
                numbers.count(one.critical_count),
            )
            for one in rows
        ],
    )
    part = Part("Pair by pair", (Absent(why, "What scores are made of"), table))
    return Section("made-of", _MADE_OF, "What the scores are made of is not known here.", (part,))


def _moves(
    view: View, published: AreaPublication, found: Sequence[PublishedArea | AreaImpact]
) -> Section:
    pairs = [
        (one.counts.product_area, one.counts.segment)
        if isinstance(one, AreaImpact)
        else (one.product_area, one.segment)
        for one in found[: len(LOOKS)]
    ]
    course = area_course(view.cursor, pairs, published.as_of - timedelta(days=COURSE_DAYS))
    part = Part("The first four", (scores_course(course, pairs),))
    answer = "The page of each pair shows its counts too: choose it in the table above."
    return Section("moves", "How did they move?", answer, (part,))


def _fields(now: Weights, trial: Trial) -> tuple[Field, ...]:
    tried_ones = trial.weights.as_dict() if trial.weights else {}
    return tuple(
        Field(
            name,
            WORDS[name],
            f"{weight:.4g}",
            trial.typed.get(name, ""),
            f"{tried_ones[name]:.4g}" if name in tried_ones else "",
        )
        for name, weight in now.as_dict().items()
    )


def _results(found: ExplainedAreas, weights: Weights | None) -> tuple[Part, ...] | None:
    """Ranks the same counts under other weights, beside the present ranking."""
    if weights is None:
        return None
    other = area_impacts(found.pairs, weights, found.enterprise_segments)
    before = {_key(one): rank for rank, one in enumerate(found.impacts, 1)}
    now = {_key(one): one.priority_score for one in found.impacts}
    rows = [
        (
            pair_link(*_key(one)),
            numbers.count(rank),
            numbers.count(before[_key(one)]),
            _moved(before[_key(one)] - rank),
            points(one.priority_score),
            points(now[_key(one)]),
        )
        for rank, one in enumerate(other[:_ROWS], 1)
    ]
    columns = ("Area and segment", "Rank, what if#", "Rank now#", "Moves", "Score, what if#")
    table = Table.of("The ranking by these weights", (*columns, "Score now#"), rows)
    shows = "The same counts under the weights that were typed. Nothing is written."
    return (Part(f"By {weights.version()}", (parts_figure(other, table, shows),)),)


def _key(one: AreaImpact) -> tuple[str, str]:
    return one.counts.product_area, one.counts.segment


def _moved(places: int) -> str:
    if not places:
        return "stays"
    return f"{'up' if places > 0 else 'down'} {abs(places)}"


PAGE: Final = Page("/pages/areas", "Product areas", _build, ("public.product_area_impact", COURSE))
