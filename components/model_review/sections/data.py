"""The data of a run: the checks of the data gate, what was read, and how it was split."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from components.feedback_example_gen.cutoffs import SCORE
from components.model_review.run_artifacts import RunArtifacts
from components.registry.input_notes import input_notes
from components.registry.input_properties import ExamplesProperties, Split
from components.registry.published_properties import PublishedScoresProperties


@dataclass(frozen=True)
class Fact:
    """A name and a value, both text for people."""

    name: str
    value: str


@dataclass(frozen=True)
class LabelledSplit:
    """Dates and size of a split.

    Attributes:
        name: train, eval or score.
        first: Its oldest cutoff, ISO 8601 UTC.
        last: Its newest cutoff.
        cutoffs: How many.
        examples: One for each account and cutoff.
        churned: How many of them churned; None where labels are not known.
    """

    name: str
    first: str
    last: str
    cutoffs: int
    examples: int
    churned: int | None


def data_facts_of(run: RunArtifacts) -> tuple[Fact, ...]:
    """Returns what was read; nothing where reading failed."""
    return tuple(_facts(run.examples, run.published)) if run.examples else ()


def splits_of(run: RunArtifacts) -> tuple[LabelledSplit, ...]:
    """Returns dates and sizes of the splits that were read."""
    splits = run.examples.splits if run.examples else {}
    return tuple(_split(name, found) for name, found in splits.items())


def _facts(data: ExamplesProperties, published: PublishedScoresProperties | None) -> Iterator[Fact]:
    yield Fact("rows of feedback", f"{data.feedback_rows:,}")
    if data.newest_feedback is not None:
        yield Fact("newest feedback", _freshness(data.newest_feedback, data.as_of))
    for rows, words in (
        (data.rows_without_account, "rows without an account, used for no score"),
        (data.rows_in_future, "rows later than as_of, not read"),
        (data.rows_without_date, "rows without a date, not read"),
    ):
        yield Fact(words, f"{rows:,}")
    for sentence in input_notes(data, published):
        yield Fact("handled by rule", sentence)


def _freshness(newest_feedback: str, as_of: str) -> str:
    newest = datetime.fromisoformat(newest_feedback)
    age = datetime.fromisoformat(as_of) - newest
    return f"{newest:%Y-%m-%d %H:%M} UTC, {max(age.days, 0)} days before as_of"


def _split(name: str, found: Split) -> LabelledSplit:
    cutoffs = found.cutoff_list
    return LabelledSplit(
        name=name,
        first=cutoffs[0] if cutoffs else "",
        last=cutoffs[-1] if cutoffs else "",
        cutoffs=len(cutoffs),
        examples=found.examples,
        churned=None if name == SCORE else found.churned,
    )
