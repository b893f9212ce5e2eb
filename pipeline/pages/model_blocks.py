"""What pages about models share: badges, links, and what the gate found."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Final

from components.model_gate.decision_file import Decision
from components.model_gate.gate_check import GateCheck
from components.model_review.page import cells
from components.model_review.page.words import plain
from components.model_review.sections.estimates import Estimate
from components.page import numbers, theme
from components.page.blocks import (
    BAD,
    GOOD,
    QUIET,
    WARN,
    Absent,
    Badge,
    Block,
    Cell,
    Figure,
    Items,
    Key,
    Link,
    Part,
    Row,
    Table,
)
from components.page.over_time import At, Line, over_time
from components.page.words import sentence
from components.registry.stages import ENDS, StageTransition
from components.verdicts import FAILED
from pipeline.pages.page import address
from pipeline.registry.listing import BLESSED, NOT_BLESSED, ModelRow
from pipeline.text.judgement import first_lines, horizon_lines
from pipeline.text.model_facts import stage_words
from pipeline.text.plain_text import bare_minute

_TONES: Final = {BLESSED: GOOD, NOT_BLESSED: BAD}


def model_link(version: str, note: str = "") -> Link:
    """Returns a cell that leads to the page of a model."""
    return Link(version, model_address(version), note)


def model_address(version: str) -> str:
    """Returns the address of the page of a model."""
    return address("/pages/model", version=version)


def compare_address(a: str, b: str) -> str:
    """Returns the address of the page about two models."""
    return address("/pages/compare", a=a, b=b)


def report_address(version: str) -> str:
    """Returns the address of the evaluation report of a model."""
    return address("/pages/report", version=version)


def gate_badge(row: ModelRow) -> Badge:
    """Returns what the gate said, or that a person accepted the model."""
    if row.accepted:
        return Badge("accepted", WARN)
    return Badge(row.gate, _TONES.get(row.gate, QUIET))


def stage_cell(row: ModelRow) -> Cell:
    """Returns what a model is now."""
    words = stage_words(row)
    if not words:
        return "\N{EN DASH}"
    return Badge(words, GOOD if row.champion else BAD if row.withdrawn else QUIET)


def models_table(rows: Sequence[ModelRow], reported: frozenset[str], caption: str) -> Table:
    """Returns the list of models.

    Args:
        rows: Newest first.
        reported: Versions that have an evaluation report.
        caption: What is listed.
    """
    columns = ("Version", "Trained", "AUC#", "Log-loss#", "Gate", "Now", "Rows published#")
    return Table.of(
        caption, (*columns, "Last as of", "Report"), [_model_row(one, reported) for one in rows]
    )


def _model_row(row: ModelRow, reported: frozenset[str]) -> Row:
    last = row.last_published_as_of
    report: Cell = "\N{EN DASH}"
    if row.version in reported:
        report = Link("report", report_address(row.version))
    cells_of_row = (
        model_link(row.version),
        bare_minute(row.trained_at),
        numbers.metric(row.auc),
        numbers.metric(row.log_loss),
        gate_badge(row),
        stage_cell(row),
        numbers.count(row.rows_published),
        f"{last:%Y-%m-%d}" if last else "\N{EN DASH}",
        report,
    )
    return Row(cells_of_row)


def quality_course(rows: Sequence[ModelRow]) -> Block:
    """Draws the AUC of models by the moment of their training.

    Args:
        rows: Newest first.
    """
    known = [one for one in rows[::-1] if one.auc is not None]
    if len(known) < 2:
        return Absent("Fewer than two models were judged.")
    looks = {
        BLESSED: ("challenger", theme.CHALLENGER, (1, 0)),
        NOT_BLESSED: ("champion", theme.CHAMPION, (8, 4)),
    }
    lines = {gate: [one for one in known if one.gate == gate] for gate in looks}
    lines = {gate: found for gate, found in lines.items() if found}
    newest = known[-1]
    said = f"the newest, {newest.version}, has {numbers.metric(newest.auc)}"
    return Figure(
        picture=over_time(
            [
                Line([At(one.trained_at, one.auc) for one in found], *looks[gate][1:], dots=True)
                for gate, found in lines.items()
            ][::-1],
            y="AUC",
            label=f"AUC of models by the moment of their training: {said}",
        ),
        here=f"Of {numbers.count(len(known))} judged models {said}.",
        shows="How well each model ranked its own evaluation set, as the gate recorded it. Each "
        "set is another one: small steps say nothing.",
        good="A level that stays, or rises slowly.",
        bad="A level that falls from model to model, or refused models in a row.",
        table=Table.of(
            "AUC by model, newest first",
            ("Version", "Trained", "AUC#", "Gate"),
            [
                (one.version, bare_minute(one.trained_at), numbers.metric(one.auc), gate_badge(one))
                for one in known[::-1]
            ],
            folded=True,
        ),
        key=tuple(Key(gate, looks[gate][0]) for gate in lines),
    )


def decided(transitions: Sequence[StageTransition], most: int) -> Block:
    """Returns what people and the policy decided, newest first."""
    if not transitions:
        return Absent("Nothing was decided by a person or by the policy.", "None")
    shown = transitions[::-1][:most]
    rows = [
        (
            bare_minute(datetime.fromtimestamp(one.at / 1000, timezone.utc)),
            one.kind,
            _named(one),
            one.by,
            one.reason or "\N{EN DASH}",
        )
        for one in shown
    ]
    caption = f"The newest {numbers.count(len(shown))} of {numbers.count(len(transitions))}"
    return Table.of(caption, ("When", "What", "Model", "By", "Why"), rows)


def _named(one: StageTransition) -> Cell:
    if not one.version or one.kind in ENDS:
        return one.version or "\N{EN DASH}"
    return model_link(one.version, f"and {one.other}, {one.share:.0%}" if one.other else "")


def gate_parts(decision: Decision) -> Iterator[Part]:
    """Yields what the gate found: checks, horizons, first accounts."""
    checks = sorted(decision.checks, key=lambda one: one.verdict != FAILED)
    caption = f"{numbers.counted(len(checks), 'check', 'checks')}, failed ones first"
    columns = ("Check", "Found#", "Rule", "Verdict", "Accounts#", "Left#")
    yield Part("Checks", (Table.of(caption, columns, map(_check_row, checks)),))
    if horizons := tuple(horizon_lines(decision.horizons)):
        yield Part("Every horizon that is published", (Items(tuple(map(sentence, horizons))),))
    if first := tuple(first_lines(decision)):
        yield Part("What the first accounts are worth", (Items(tuple(map(sentence, first))),))


def _check_row(check: GateCheck) -> Row:
    found: Cell = numbers.NOT_KNOWN
    if check.value is not None:
        found = cells.estimate(Estimate(check.value, check.interval))
    name = plain(check.name) if check.slice == "overall" else f"{plain(check.name)}: {check.slice}"
    row = (
        name,
        found,
        check.threshold,
        cells.verdict(check.verdict),
        numbers.count(check.accounts),
        numbers.count(check.churned),
    )
    return Row(row, BAD if check.failed else "")
