"""Every check of the gate; where the data gate stopped the run, the checks that did it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from components.model_gate.gate_check import FAILED, OVERALL, PASSED, SKIPPED
from components.model_review.page import cells, numbers, words
from components.model_review.page.blocks import BAD, Absent, Block, Noted, Row, Table
from components.model_review.page.sections.data_gate import failing_checks
from components.model_review.page.sections.worse import slice_words
from components.model_review.review import STOPPED, Check, Review

_HEADING: Final = "Checks of the gate"
_COLUMNS: Final = ("Check", "Accounts", "Value#", "95% interval#", "Bar", "Verdict")
_DASH: Final = "\N{EN DASH}"


@dataclass(frozen=True)
class Checks:
    """What was checked.

    Attributes:
        heading: Of the gate, or of the data gate.
        counted: How many there were, by verdict.
        blocks: The checks.
    """

    heading: str
    counted: str
    blocks: tuple[Block, ...]


def checks_of(review: Review) -> Checks:
    """Returns the checks that the decision rests on."""
    if review.checks:
        return Checks(_HEADING, checks_counted(review.checks), tuple(_tables(review.checks)))
    failing = failing_checks(review, "What stopped the run, and what it warned of")
    if review.decision.kind == STOPPED and failing:
        said = "The data gate stopped the run before there was a model to judge."
        return Checks("Checks of the data that did not pass", said, (failing,))
    why = Absent("The run ended before the gate could judge a model.")
    return Checks(_HEADING, "None was made.", (why,))


def checks_counted(checks: Sequence[Check]) -> str:
    """Counts them by verdict, such as `34 checks: 30 passed, 1 failed, 3 skipped.`."""
    return f"{numbers.counted(len(checks), 'check', 'checks')}: {_by_verdict(checks)}."


def _by_verdict(checks: Sequence[Check]) -> str:
    return ", ".join(
        f"{numbers.count(sum(one.verdict == word for one in checks))} {word}"
        for word in (PASSED, FAILED, SKIPPED)
    )


def _tables(checks: Sequence[Check]) -> list[Table]:
    """Makes a table of all that failed and of all accounts; passed slices are folded away."""
    first = [one for one in checks if one.verdict == FAILED]
    first += [one for one in checks if one.verdict != FAILED and one.slice == OVERALL]
    rest = [one for one in checks if one.verdict != FAILED and one.slice != OVERALL]
    tables = [Table.of("On all accounts, and all that failed", _COLUMNS, map(_row, first))]
    if rest:
        said = f"Checks on slices: {_by_verdict(rest)}"
        tables.append(Table.of(said, _COLUMNS, map(_row, rest), folded=True))
    return tables


def _note(one: Check) -> str:
    """Returns of the message what the row does not say: how far it failed, or why it was left."""
    if one.verdict == PASSED:
        return ""
    whole = words.plain(one.message)
    if one.verdict == FAILED:
        _, missed, by = whole.rpartition("missed by ")
        return missed + by if missed else whole
    return whole.partition(" churned): ")[2] or whole


def _row(one: Check) -> Row:
    name = words.plain(one.name)
    sizes = f"{numbers.count(one.accounts)}, {numbers.count(one.churned)} left"
    found = (
        Noted(name, note) if (note := _note(one)) else name,
        sizes if one.slice == OVERALL else Noted(slice_words(one.slice), sizes),
        _DASH if one.value is None else numbers.metric(one.value),
        numbers.ends(one.interval) or _DASH,
        one.bar,
        cells.verdict(one.verdict),
    )
    return Row(found, BAD if one.verdict == FAILED else "")
