"""The model card, and the lineage: splits, artifacts, settings, components."""

from typing import Final

from components.model_review.page import cells
from components.model_review.page.words import absent
from components.model_review.review import Review
from components.model_review.sections.data import Fact, LabelledSplit
from components.model_review.sections.lineage import Component
from components.page import numbers
from components.page.blocks import (
    Absent,
    Block,
    Cell,
    Items,
    Pairs,
    Part,
    Section,
    Table,
)

_DASH: Final = "\N{EN DASH}"


def model_card_section(review: Review) -> Section:
    """Returns the section."""
    parts = tuple(Part(heading, (Items(texts),)) for heading, texts in review.card)
    if not parts:
        parts = (Part("Intended use", (absent(review, "card", "The run read no data."),)),)
    said = "Intended use, label, population, known limits and ethical notes."
    return Section("card", "Model card", said, parts)


def lineage_section(review: Review) -> Section:
    """Returns the section."""
    parts = (
        Part("Splits", (_splits(review),)),
        Part("Lineage", (_lineage(review.lineage),)),
        Part("Settings", (_settings(review.settings),)),
        Part("Durations and memory", (_components(review),)),
    )
    return Section("origin", "Lineage", _answer(review), parts)


def _answer(review: Review) -> str:
    seconds = [one.seconds for one in review.components if one.seconds is not None]
    took = f" Its components took {numbers.duration(sum(seconds))}." if seconds else ""
    return f"The run {review.head.run_id or 'without a name'}.{took}"


def _splits(review: Review) -> Block:
    if not review.splits:
        return absent(review, "splits", "The run read no data.")
    return Table.of(
        "Splits by time: cutoffs and sizes",
        ("Split", "Oldest cutoff", "Newest cutoff", "Cutoffs#", "Examples#", "Churned#", "Share#"),
        map(_split, review.splits),
    )


def _split(one: LabelledSplit) -> tuple[str, ...]:
    churned = (_DASH, _DASH)
    if one.churned is not None:
        share = one.churned / one.examples if one.examples else None
        churned = (numbers.count(one.churned), numbers.share(share))
    dates = (numbers.moment(one.first), numbers.moment(one.last))
    return (one.name, *dates, numbers.count(one.cutoffs), numbers.count(one.examples), *churned)


def _lineage(found: tuple[Fact, ...]) -> Block:
    if not found:
        return Absent("No lineage is known.")
    return Pairs.of((one.name, numbers.moments_in(one.value)) for one in found)


def _settings(found: tuple[Fact, ...]) -> Block:
    if not found:
        return Absent("The run has no settings.")
    summary = f"All {numbers.counted(len(found), 'setting', 'settings')}"
    return Pairs.of(((one.name, one.value) for one in found), summary)


def _components(review: Review) -> Block:
    if not review.components:
        return absent(review, "components", "The run recorded no durations.")
    return Table.of(
        "Components: wall clock, and the peak memory of the process",
        ("Component", "Took#", "Memory#", "Outcome"),
        map(_component, review.components),
    )


def _component(one: Component) -> tuple[Cell, ...]:
    took, memory = numbers.duration(one.seconds), numbers.memory(one.peak_mib)
    return (one.name, took, memory, cells.verdict(one.outcome))
