"""The data of a run: the checks of the data gate, what was read, and how it was split."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from components.feedback_example_gen import properties as names
from components.feedback_example_gen.cutoffs import EVAL, SCORE, TRAIN
from components.model_review.run_artifacts import Facts, RunArtifacts
from components.registry.input_facts import input_facts


@dataclass(frozen=True)
class Fact:
    """A name and a value, both text for people."""

    name: str
    value: str


@dataclass(frozen=True)
class DataCheck:
    """One check of the data gate, as components.data_checker.checks describes it."""

    name: str
    group: str
    splits: tuple[str, ...]
    found: Any
    bar: str
    verdict: str
    message: str


@dataclass(frozen=True)
class LabelledSplit:
    """Dates and size of a split.

    Attributes:
        name: train, eval or score.
        first: Its oldest cutoff, ISO 8601 UTC.
        last: Its newest cutoff.
        cutoffs: How many.
        snapshots: One for each account and cutoff.
        churned: Of them; None where labels are not known.
    """

    name: str
    first: str
    last: str
    cutoffs: int
    snapshots: int
    churned: int | None


def data_checks_of(run: RunArtifacts) -> tuple[DataCheck, ...]:
    """Returns the checks of the data gate; none where it was not reached."""
    return tuple(DataCheck(**asdict(check)) for check in run.checks)


def data_facts_of(run: RunArtifacts) -> tuple[Fact, ...]:
    """Returns what was read; nothing where reading failed."""
    return tuple(_facts(run)) if run.examples else ()


def splits_of(run: RunArtifacts) -> tuple[LabelledSplit, ...]:
    """Returns dates and sizes of the splits that were read."""
    found = (TRAIN, EVAL, SCORE)
    return tuple(_split(run.examples, name) for name in found if f"{name}_cutoffs" in run.examples)


def _facts(run: RunArtifacts) -> Iterator[Fact]:
    data = run.examples
    yield Fact("rows of feedback", f"{data[names.FEEDBACK_ROWS]:,}")
    if names.NEWEST_FEEDBACK in data:
        yield Fact("newest feedback", _freshness(data))
    for name, words in (
        ("rows_without_account", "rows without an account, in no account's score"),
        ("rows_in_future", "rows later than the run's now, not read"),
        ("rows_without_date", "rows without a date, not read"),
    ):
        yield Fact(words, f"{data.get(name, 0):,}")
    if "duplicate_rows" in data:
        for sentence in input_facts(data, run.published):
            yield Fact("handled on purpose", sentence)


def _freshness(data: Facts) -> str:
    newest = datetime.fromisoformat(data[names.NEWEST_FEEDBACK])
    age = datetime.fromisoformat(data[names.AS_OF]) - newest
    return f"{newest:%Y-%m-%d %H:%M} UTC, {max(age.days, 0)} days before the run's now"


def _split(data: Facts, name: str) -> LabelledSplit:
    cutoffs = [one for one in data[f"{name}_cutoffs"].split(",") if one]
    return LabelledSplit(
        name=name,
        first=cutoffs[0] if cutoffs else "",
        last=cutoffs[-1] if cutoffs else "",
        cutoffs=len(cutoffs),
        snapshots=data[f"{name}_snapshots"],
        churned=None if name == SCORE else data[f"{name}_churned"],
    )
