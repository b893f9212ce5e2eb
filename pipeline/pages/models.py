"""The models of the registry: who scores, which there are, and what was decided about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from components.page import numbers
from components.page.blocks import Absent, Items, Part, Section
from components.publishing.published import PublishedWith, published_models
from components.registry.stages import StageTransition
from pipeline.pages.model_blocks import decided, models_table, quality_course
from pipeline.pages.page import Shown, View, address
from pipeline.registry.listing import BLESSED, ModelRow, list_models
from pipeline.registry.registry import Registry
from pipeline.text.model_facts import rule_lines, stage_words
from pipeline.text.plain_text import minute

_LISTED: Final = 100
_DECIDED: Final = 50
_NOTHING: Final = (
    "No model was trained yet: `tens-insight run train` trains one, and lets the gate judge it."
)


@dataclass(frozen=True)
class Choice:
    """One model of the form that compares two, and as which of them it is chosen."""

    version: str
    words: str
    chosen_as: str = ""


def build(view: View) -> Shown:
    """Builds the page."""
    registry = Registry(view.settings.metadata_path)
    published = published_models(view.cursor.connection)
    rows, rules = list_models(registry, published), _rules(published)
    if not rows:
        values = {"absent": Absent(_NOTHING, "None"), "sections": rules, "choices": ()}
        return Shown("Models", "models.j2", {**values, "newer": "", "older": ""})
    begin = _begin(view, len(rows))
    listed = rows[begin : begin + _LISTED]
    sections = (_list(rows, begin, registry), *rules, _decisions(registry.transitions()))
    values = {
        "absent": None,
        "sections": sections,
        "choices": _choices(listed),
        "newer": address("/pages/models", begin=str(max(0, begin - _LISTED))) if begin else "",
        "older": ""
        if begin + _LISTED >= len(rows)
        else address("/pages/models", begin=str(begin + _LISTED)),
    }
    return Shown("Models", "models.j2", values, lead=_lead(rows))


def _choices(listed: Sequence[ModelRow]) -> list[Choice]:
    """Returns the models of the form; the champion and the newest other one are chosen."""
    a = next((one.version for one in listed if one.champion), listed[-1].version)
    b = next((one.version for one in listed if one.version != a), "")
    return [
        Choice(
            one.version,
            f"{one.version} {stage_words(one)}".strip(),
            {a: "a", b: "b"}.get(one.version, ""),
        )
        for one in listed
    ]


def _begin(view: View, models: int) -> int:
    """Returns the place of the first model of the page; 0 for what is none of the list."""
    text = view.query.get("begin")
    found = int(text) if text.isdecimal() and text.isascii() and len(text) < 7 else 0
    return found if found < models else 0


def _lead(rows: Sequence[ModelRow]) -> str:
    champion = next((one for one in rows if one.champion), None)
    if champion is None:
        return (
            "No model scores: none was blessed or accepted, or all that were are withdrawn. The "
            "page of each says why."
        )
    said = f"{champion.version} is champion: it scores. It was trained at"
    said += f" {minute(champion.trained_at)}"
    if champion.last_published_as_of is None:
        return f"{said}, and nothing was published with it yet."
    rows_published = numbers.count(champion.rows_published)
    return (
        f"{said}; {rows_published} scores were published with it, last as of "
        f"{champion.last_published_as_of:%Y-%m-%d}."
    )


def _list(rows: Sequence[ModelRow], begin: int, registry: Registry) -> Section:
    listed = rows[begin : begin + _LISTED]
    reported = frozenset(one.properties.model_version or "" for one in registry.reviews())
    caption = f"Models {numbers.count(begin + 1)} to {numbers.count(begin + len(listed))}"
    parts = (
        Part("Newest first", (models_table(listed, reported, caption),)),
        Part("How well they rank", (quality_course(rows[:_LISTED]),)),
    )
    blessed = sum(one.gate == BLESSED for one in rows)
    answer = (
        f"{numbers.counted(len(rows), 'model', 'models')}; the gate blessed "
        f"{numbers.count(blessed)} of them."
    )
    return Section("list", "Which models are there?", answer, parts)


def _rules(published: Mapping[str, PublishedWith]) -> tuple[Section, ...]:
    """Returns what the cold-start rules published; no section where none did."""
    lines = tuple(rule_lines(published))
    if not lines:
        return ()
    question = "What was scored without a model?"
    part = Part("The cold-start rule", (Items(lines),))
    return (Section("rules", question, "A rule scored, which learnt nothing.", (part,)),)


def _decisions(transitions: Sequence[StageTransition]) -> Section:
    part = Part("Newest first", (decided(transitions, _DECIDED),))
    answer = (
        "What people and the policy decided is recorded with time, user and reason, and is never "
        "overwritten."
    )
    return Section("decided", "What was decided about them?", answer, (part,))
