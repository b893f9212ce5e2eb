"""How many examples there are of each split, and how many churned: counted without TensorFlow."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from components.feedback_example_gen.cutoffs import SCORE, CutoffPlan
from components.feedback_example_gen.examples import (
    CutoffExamples,
    ExampleRules,
    take_examples,
)
from components.feedback_example_gen.reading.feedback_reader import Churn, Feedback
from components.feedback_example_gen.thinning import thinned
from components.registry.input_properties import Split


@dataclass(frozen=True)
class ExampleCount:
    """How many examples a bucket gave for one cutoff; churned is 0 for `score`.

    `available` is how many it would have given without a limit. The others are as in Beside.
    """

    split: str
    cutoff: str
    examples: int
    churned: int
    available: int
    silent: int | None = None
    silent_churned: int | None = None
    returned: int | None = None


def examples_of_split(
    split: str,
    feedback: Feedback,
    churn: Churn | None,
    plan: CutoffPlan,
    rules: ExampleRules,
    most: int | None = None,
) -> Iterator[tuple[CutoffExamples, ExampleCount]]:
    """Yields the examples of a bucket at each cutoff of a split, and their number.

    Args:
        split: One of SPLITS.
        feedback: Of the bucket.
        churn: Its churn dates; None where the label is inactivity.
        plan: The cutoffs.
        rules: What an example holds.
        most: Number of examples beyond which accounts are left out; None for no limit.
    """
    cutoffs = [moment for of, moment in plan if of == split]
    found = [
        take_examples(feedback, churn, cutoff, rules, plan.known_until(split, cutoff))
        for cutoff in cutoffs
    ]
    kept = thinned(found, feedback.account_ids, most)
    for cutoff, whole, examples in zip(cutoffs, found, kept, strict=True):
        churned = 0 if examples.labels is None else int(examples.labels.churned.sum())
        sizes = len(examples.account), churned, len(whole.account)
        yield examples, ExampleCount(split, cutoff.isoformat(), *sizes, **vars(whole.beside))


def split_of(name: str, example_counts: Sequence[ExampleCount]) -> Split:
    """Adds up the counts of one split over its buckets and cutoffs."""
    counts = [count for count in example_counts if count.split == name]
    examples = sum(count.examples for count in counts)
    churned = sum(count.churned for count in counts)
    available = sum(count.available for count in counts)
    return Split(
        cutoffs=",".join(sorted({count.cutoff for count in counts})),
        examples=examples,
        churned=churned,
        base_rate=churned / examples if name != SCORE and examples else None,
        available=available if available > examples else None,
        silent=_total(count.silent for count in counts),
        silent_churned=_total(count.silent_churned for count in counts),
        returned=_total(count.returned for count in counts),
    )


def _total(numbers: Iterable[int | None]) -> int | None:
    """Returns the sum; None where there is nothing to count, or it was not counted."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
