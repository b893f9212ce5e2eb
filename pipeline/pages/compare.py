"""Two models beside each other: what was measured of both, and what was done differently."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from components.errors import UnknownModel
from components.model_gate.decision_file import CHALLENGER, Decision
from components.model_gate.gate_check import OVERALL
from components.model_review.page import cells
from components.model_review.page.comparison import what_differs
from components.model_review.page.comparison_quality import metrics_figure
from components.model_review.page.comparison_words import led
from components.model_review.sections.compared import Comparison, MaturedOutcomes, Pair
from components.model_review.sections.estimates import Estimate
from components.page import numbers
from components.page.blocks import Absent, Block, Cell, Link, Part, Section, Table, Text
from components.page.words import sentence
from components.publishing.published import score_counts
from components.registry.model_properties import ModelProperties
from components.shadow.paired import paired_outcomes
from pipeline.pages.model_blocks import gate_badge, model_address, report_address, stage_cell
from pipeline.pages.page import NotThere, Shown, View
from pipeline.registry.differences import data_differences, setting_differences
from pipeline.registry.gate_pairs import gate_pairs
from pipeline.registry.listing import ModelRow, decision_file, find_model, list_models
from pipeline.registry.matured import AskMatured, matured_of, matured_outcomes
from pipeline.registry.registry import Artifact, Registry
from serving_model.evaluation.metrics import METRICS

_MOST_ACCOUNTS: Final = 5_000
"""Scored accounts up to which outcomes are compared here: more take longer than a page may."""


@dataclass(frozen=True)
class _Side:
    """One of the two models."""

    row: ModelRow
    model: Artifact[ModelProperties]
    decision: Decision | None

    @property
    def version(self) -> str:
        return self.row.version


def build(view: View) -> Shown:
    """Builds the page."""
    registry = Registry(view.settings.metadata_path)
    rows = {one.version: one for one in list_models(registry, None)}
    try:
        a, b = (_side(registry, rows, view.query.get(name)) for name in ("a", "b"))
    except UnknownModel as error:
        raise NotThere(str(error)) from None
    found = _recorded(view, a, b)
    pairs = gate_pairs(a.version, b.version, a.decision, b.decision)
    better = Section(
        "better", "Which is better?", _answer(found, pairs), (*_better(found, pairs), _own(a, b))
    )
    reported = {one.properties.model_version for one in registry.reviews()}
    links = [
        Link(f"{name}: {one.version}", model_address(one.version))
        for name, one in (("A", a), ("B", b))
    ]
    links += [
        Link(f"Evaluation report of {name}", report_address(one.version))
        for name, one in (("A", a), ("B", b))
        if one.version in reported
    ]
    values = {"links": links, "sections": (better, what_differs(found))}
    return Shown("Two models", "model.j2", values, lead=f"A is {a.version}, B is {b.version}.")


def _side(registry: Registry, rows: Mapping[str, ModelRow], version: str) -> _Side:
    model = find_model(registry, version)
    blessing = registry.blessings().get(model.artifact_id)
    decision = decision_file(blessing) if blessing else None
    return _Side(rows[model.properties.model_version], model, decision)


def _recorded(view: View, a: _Side, b: _Side) -> Comparison:
    """Compares both as far as no model has to be loaded."""
    matured, why_not = None, "A and B are one model"
    if a.version != b.version:
        matured, why_not = matured_of(a.model.properties, b.model.properties, _asking(view))
    return Comparison(
        a=a.version,
        b=b.version,
        evaluation=None,
        not_compared="",
        data=data_differences(a.model.properties, b.model.properties),
        settings=setting_differences(a.model.properties, b.model.properties),
        matured=matured,
        not_matured=why_not,
    )


def _asking(view: View) -> AskMatured:
    def ask(a: str, b: str, days: int) -> MaturedOutcomes | str:
        if score_counts(view.cursor.connection).rows > _MOST_ACCOUNTS:
            return (
                f"with more than {_MOST_ACCOUNTS:,} accounts that takes longer than a page may; "
                f"`tens-insight models compare {a} {b}` does it"
            )
        found = paired_outcomes(view.cursor, a, b, days, independent=True)
        return matured_outcomes(found, days)

    return ask


def _answer(found: Comparison, pairs: Mapping[str, Pair]) -> str:
    """Says what is known, outcomes first: they are what the models are for."""
    if found.matured is not None and (said := led(found.matured.metrics)):
        return f"On outcomes: {said}."
    if said := led(pairs):
        return f"On the evaluation set of the gate: {said}."
    return "That is not known: nothing is recorded of both on the same accounts."


def _better(found: Comparison, pairs: Mapping[str, Pair]) -> Iterator[Part]:
    matured = found.matured
    if matured is None:
        outcomes: tuple[Block, ...] = (Absent(sentence(found.not_matured)),)
    else:
        said = (
            f"{numbers.counted(matured.accounts, 'account', 'accounts')} that both scored, "
            f"{numbers.count(matured.churned)} of which left within "
            f"{numbers.counted(matured.horizon_days, 'day', 'days')}; windows that begin from "
            f"{matured.first[:10]} to {matured.last[:10]}."
        )
        outcomes = (Text(said), metrics_figure(matured.metrics, "the same outcomes"))
    yield Part("On outcomes that are known by now", outcomes)
    if pairs:
        yield Part("On one evaluation set, by the gate", (metrics_figure(pairs),))
        return
    why = (
        "Neither was judged beside the other. Both on one evaluation set, with slices and the "
        f"accounts that move most: `tens-insight report --compare {found.a} {found.b}` writes "
        "such a page, which takes some seconds."
    )
    yield Part("On one evaluation set, by the gate", (Absent(why),))


def _own(a: _Side, b: _Side) -> Part:
    """Returns what the gate recorded of each on its own evaluation set."""
    note = Text(
        "Each was judged on the evaluation set of its own run: other accounts, another time. The "
        "difference of two such numbers is no comparison."
    )
    rows: list[tuple[Cell, ...]] = [
        ("Gate", gate_badge(a.row), gate_badge(b.row)),
        ("Now", stage_cell(a.row), stage_cell(b.row)),
        ("Accounts, of which left", _judged_on(a), _judged_on(b)),
    ]
    rows += [
        (metric.label, _measured(a, metric.name), _measured(b, metric.name))
        for metric in METRICS.values()
    ]
    table = Table.of("As the gate recorded it, with 95% intervals", ("What", "A", "B"), rows)
    return Part("Each on its own evaluation set", (note, table))


def _judged_on(side: _Side) -> str:
    if side.decision is None:
        return numbers.NOT_KNOWN
    found = side.decision.eval
    return f"{numbers.count(found['accounts'])}, {numbers.count(found['churned'])}"


def _measured(side: _Side, metric: str) -> Cell:
    decision = side.decision
    value = decision.metrics.get(CHALLENGER, {}).get(metric) if decision else None
    if decision is None or value is None:
        return numbers.NOT_KNOWN
    ends = [
        one.interval
        for one in decision.checks
        if one.slice == OVERALL and one.name == metric and one.value is not None
    ]
    return cells.estimate(Estimate(value, ends[0] if ends else None))
