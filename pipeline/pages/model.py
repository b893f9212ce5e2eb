"""One model: may it score and why, where it comes from, and what was decided about it."""

import json
from collections.abc import Iterator
from typing import Final

from components.errors import UnknownModel
from components.page import numbers
from components.page.blocks import Absent, Block, Items, Link, Pairs, Part, Section
from components.page.words import sentence
from components.publishing.published import published_models
from pipeline.pages.model_blocks import (
    compare_address,
    decided,
    gate_parts,
    model_address,
    report_address,
)
from pipeline.pages.page import NotThere, Shown, View
from pipeline.registry.lineage import ModelDetails, show_model
from pipeline.registry.registry import Registry
from pipeline.runs.record import RunRecords
from pipeline.text.bands import other_rules, worth_lines
from pipeline.text.model_facts import evidence_facts, origin_facts, published_words, stage_words
from pipeline.text.plain_text import minute

_DECIDED: Final = 50
_ALL_SETTINGS: Final = "; --json shows all"
"""What the terminal says of settings, which stand below here."""


def build(view: View) -> Shown:
    """Builds the page."""
    registry = Registry(view.settings.metadata_path)
    version = view.query.get("version")
    try:
        published = published_models(view.cursor.connection)
        records = RunRecords(view.settings.runs_dir)
        details = show_model(registry, version, published, records)
    except UnknownModel as error:
        raise NotThere(str(error)) from None
    row = details.row
    reported = {one.properties.model_version for one in registry.reviews()}
    sections = (_verdict(details), _origin(details), _decisions(details))
    now = stage_words(row) or "not the champion, not withdrawn"
    lead = f"Now: {now}. Trained at {minute(row.trained_at)}."
    values = {"links": tuple(_links(details, registry, row.version in reported))}
    return Shown(row.version, "model.j2", {**values, "sections": sections}, lead=lead)


def _links(details: ModelDetails, registry: Registry, reported: bool) -> Iterator[Link]:
    row = details.row
    if reported:
        yield Link("Evaluation report", report_address(row.version))
    beside = details.judged.champion_version if details.judged else None
    champion = registry.champion()
    leader = champion.properties.model_version if champion else None
    if leader and leader != row.version:
        yield Link("Compare with the champion", compare_address(leader, row.version))
    if beside:
        yield Link(f"Judged beside {beside}", model_address(beside))
    if beside and beside != leader:
        yield Link("Compare with that", compare_address(beside, row.version))


def _verdict(details: ModelDetails) -> Section:
    question = "May it score, and what did the gate find?"
    answer = details.decision or f"The gate: {details.row.gate}."
    parts = [Part("What follows", tuple(_follows(details)))]
    if details.judged is None:
        why = "The gate left no decision.json of it, or the file is gone."
        return Section("gate", question, answer, (*parts, Part("Checks", (Absent(why),))))
    parts += gate_parts(details.judged)
    if details.bands:
        own = details.bands[0]
        lines = (own.described, *worth_lines(own), *other_rules(details.bands))
        parts.append(Part("What the risk bands are worth", (Items(tuple(map(sentence, lines))),)))
    return Section("gate", question, answer, tuple(parts))


def _follows(details: ModelDetails) -> Iterator[Block]:
    row, judged = details.row, details.judged
    evaluation = judged.eval if judged else {}
    facts = [
        ("Gate", "accepted by a person" if row.accepted else row.gate),
        *((name.capitalize(), value) for name, value in evidence_facts(details)),
    ]
    if evaluation:
        accounts = numbers.counted(evaluation["accounts"], "account", "accounts")
        left = numbers.count(evaluation["churned"])
        said = f"{accounts}, {left} of which left"
        facts.append(("Judged on", f"{said}, at {numbers.moment(str(evaluation['cutoff']))}"))
    if judged:
        beside = judged.champion_version or "no champion: there was none"
        facts.append(("Judged beside", beside))
    yield Pairs.of(facts)


def _origin(details: ModelDetails) -> Section:
    found = [
        ("Version", details.row.version),
        ("As of", numbers.moment(details.row.as_of)),
        ("Label", details.row.label_source or numbers.NOT_KNOWN),
        *(
            (name.capitalize(), value.removesuffix(_ALL_SETTINGS))
            for name, value in origin_facts(details)
        ),
        ("Rows published", published_words(details.row)),
    ]
    settings = sorted(details.settings.items())
    parts = [Part("Run, data and code", (Pairs.of(found),))]
    if settings:
        summary = f"All {numbers.counted(len(settings), 'setting', 'settings')}"
        pairs = Pairs.of(
            ((name, json.dumps(value, ensure_ascii=False)) for name, value in settings), summary
        )
        parts.append(Part("Settings of its training run", (pairs,)))
    run = f"The training run {details.run.run_id}." if details.run else "Its run is not recorded."
    return Section("origin", "Where does it come from?", run, tuple(parts))


def _decisions(details: ModelDetails) -> Section:
    part = Part("Newest first", (decided(details.transitions, _DECIDED),))
    answer = "Promoted, withdrawn, pinned, accepted, signed: by whom, when and why."
    return Section("decided", "What was decided about it?", answer, (part,))
