"""The model card of the report: what the model is for, and what it is not.

The headings follow Mitchell et al. 2019, "Model Cards for Model Reporting"; the facts in the
sentences are those of the run.
"""

from collections.abc import Iterator
from typing import Final

from components.feedback_example_gen.cutoffs import EVAL, TRAIN
from components.model_review.run_artifacts import RunArtifacts
from components.registry.input_properties import ExamplesProperties

Section = tuple[str, tuple[str, ...]]
INACTIVITY: Final = "inactivity"
_INTENDED: Final = (
    "To tell people who look after accounts which accounts to speak to first, and why. The "
    "scores order a list of calls; people decide.",
    "Not meant: to set prices, to end contracts, to judge employees, to decide about single "
    "persons, or to be read as the effect of an action. The model says who leaves, not what "
    "would keep them.",
)
_ETHICS: Final = (
    "Whoever complains often is heard more often by this model too. Accounts that write little, "
    "or in a way that the sentiment model misreads, are known less well: compare the slices by "
    "region and tier before trusting a list that favours one of them.",
    "The text of feedback never leaves the database; the model reads its sentiment, priority, "
    "product area, source and topic, all of them judgements of an earlier model or of a person, "
    "with their mistakes.",
    "Tier and region are features. Should either stand for something that a decision must not "
    "rest on, take it out before the scores are used for that decision.",
    "A score can make itself come true, or untrue: accounts that are called because of it may "
    "stay because of the call. The label of later runs then holds the success of the calls.",
)


def card_of(run: RunArtifacts) -> tuple[Section, ...]:
    """Returns headings and their sentences; none where not even reading came to its end."""
    data = run.examples
    if data is None:
        return ()
    return (
        ("Intended use", _INTENDED),
        ("What the label means", tuple(_label(data))),
        ("Who was in the data, and who was not", tuple(_population(data))),
        ("Known limits", tuple(_limits(data))),
        ("Ethical notes", _ETHICS),
    )


def _label(data: ExamplesProperties) -> Iterator[str]:
    horizon = data.horizon_days
    if data.label_source == INACTIVITY:
        yield (
            f"Churned means: no feedback of the account for {horizon} days after the cutoff. There "
            "is no table of churn dates, so silence stands for leaving. An account that stays "
            "without writing counts as lost, and one that leaves after a last complaint within "
            "the window does not."
        )
        return
    yield (
        f"Churned means: the account has a churn date within {horizon} days after the cutoff, in "
        "the table of churn dates. Whatever that table calls churn, the model calls churn; "
        "a date that is entered late makes a leaver look like a stayer."
    )


def _population(data: ExamplesProperties) -> Iterator[str]:
    yield (
        f"Learnt from {_size(data, TRAIN):,} examples of accounts, judged on "
        f"{_size(data, EVAL):,} at a later cutoff. An example sees "
        f"{data.lookback_days} days of feedback, the newest {data.max_events:,} events."
    )
    yield (
        f"{data.rows_without_account:,} of {data.feedback_rows:,} rows of feedback name "
        "no account and speak for nobody here. Accounts that never wrote are not in the data at "
        "all, and have no score."
    )
    if data.label_source == INACTIVITY:
        yield (
            f"An account that was silent for all of the {data.lookback_days} days before a "
            "cutoff has left already by this label, and is no example."
        )


def _limits(data: ExamplesProperties) -> Iterator[str]:
    yield (
        "Feedback is all that is known: no usage, no contract, no invoice. An account that leaves "
        "without a word, with a rhythm like any other, is found by chance only."
    )
    yield (
        "created_at says when feedback was given, not when its row arrived: rows that arrive late "
        "can make the past look better known than it was."
    )
    yield (
        "The evaluation is of one cutoff. A season, a price change or an incident after it is in "
        "no figure of this report; the section on what changed is where that shows first."
    )
    if data.late_rows is not None and data.late_rows > 0:
        yield f"In this run {data.late_rows:,} rows came late."


def _size(data: ExamplesProperties, split: str) -> int:
    return data.splits[split].examples if split in data.splits else 0
