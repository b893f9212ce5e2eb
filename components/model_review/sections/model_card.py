"""The model card of the report: what the model is for, and what it is not.

The headings follow Mitchell et al. 2019, "Model Cards for Model Reporting"; the facts in the
sentences are those of the run.
"""

from collections.abc import Iterator
from typing import Final

from components.feedback_example_gen.config import LISTED
from components.feedback_example_gen.cutoffs import EVAL, TRAIN
from components.model_review.run_artifacts import RunArtifacts
from components.registry.input_properties import ExamplesProperties

Section = tuple[str, tuple[str, ...]]
INACTIVITY: Final = "inactivity"
_INTENDED: Final = (
    "To tell account managers which accounts to contact first, and why. The scores order a "
    "list; people decide.",
    "Not meant: to set prices, to end contracts, to judge employees, to decide about single "
    "persons, or to be read as the effect of an action. The model predicts which accounts "
    "churn, not what would prevent it.",
)
_ETHICS: Final = (
    "Scores depend on how much an account writes. Accounts that write little, or in a way that "
    "the sentiment model misreads, are predicted less well: compare the slices by region and "
    "tier before using a list that favours one of them.",
    "The text of feedback never leaves the database; the model reads its sentiment, priority, "
    "product area, source and topic, all of them judgements of an earlier model or of a person, "
    "with their mistakes.",
    "Tier and region are features. Should either stand for something that a decision must not "
    "rest on, take it out before the scores are used for that decision.",
    "Scores change what they predict: accounts that are contacted because of a score may stay "
    "because of the contact. The labels of later runs then include the effect of the contacts.",
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
            "is no table of churn dates, so silence is taken for churn. An account that stays "
            "without writing counts as churned, and one that churns after a last complaint within "
            "the window does not."
        )
        return
    yield (
        f"Churned means: the account has a churn date within {horizon} days after the cutoff, in "
        "the table of churn dates. Whatever that table calls churn, the model calls churn; "
        "an account whose date is entered late counts as stayed until then."
    )


def _population(data: ExamplesProperties) -> Iterator[str]:
    yield (
        f"Trained on {_size(data, TRAIN):,} examples of accounts, judged on "
        f"{_size(data, EVAL):,} at a later cutoff. An example sees "
        f"{data.lookback_days} days of feedback, the newest {data.max_events:,} events."
    )
    for split in (TRAIN, EVAL):
        if split in data.splits and (available := data.splits[split].available) is not None:
            yield (
                f"Those {_size(data, split):,} are of accounts chosen by a hash of their ids, "
                f"whatever became of them; all accounts would give {available:,}."
            )
    yield (
        f"{data.rows_without_account:,} of {data.feedback_rows:,} rows of feedback name "
        "no account and are not used. Accounts that never wrote are not in the data and have no "
        "score."
    )
    if data.label_source == INACTIVITY:
        days = data.active_within_days or data.lookback_days
        yield (
            f"An account that was silent for all of the {days} days before a cutoff has left "
            "already by this label, and is no example."
        )
    elif data.active_within_days is not None:
        yield from _silent(data)


def _silent(data: ExamplesProperties) -> Iterator[str]:
    became = "scored, though this model has seen none of them"
    if data.silent_accounts == LISTED:
        became = "not scored"
    yield (
        f"An account without feedback in the {data.active_within_days} days before a cutoff is "
        f"silent, and no example, though no churn date says that it left; it is {became}."
    )
    found = data.splits.get(EVAL)
    if found is not None and found.silent:
        yield (
            f"At the evaluation cutoff {found.silent:,} accounts were silent, and "
            f"{found.silent_churned or 0:,} of them had a churn date within {data.horizon_days} "
            "days. No figure of this report counts them."
        )


def _limits(data: ExamplesProperties) -> Iterator[str]:
    yield (
        "The only input is feedback: no usage, contract or invoice data. An account that churns "
        "without a change in its feedback cannot be predicted."
    )
    yield (
        "created_at says when feedback was given, not when its row arrived: rows that arrive late "
        "make past examples look more complete than they were at their cutoff."
    )
    yield (
        "The evaluation is of one cutoff. A season, a price change or an incident after it is in "
        "no figure of this report; the section on changes shows it first."
    )
    if data.late_rows is not None and data.late_rows > 0:
        yield f"In this run {data.late_rows:,} rows came late."


def _size(data: ExamplesProperties, split: str) -> int:
    return data.splits[split].examples if split in data.splits else 0
