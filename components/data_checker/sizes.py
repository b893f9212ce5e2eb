"""Is there enough to learn from, to judge by and to score, and does feedback still arrive?"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from components.data_checker.checks import Check, verdict_on
from components.data_checker.config import DataCheckerConfig
from components.data_checker.volume import check_volume
from components.feedback_example_gen.cutoffs import EVAL, TRAIN
from components.registry.input_properties import ExamplesProperties

SIZE: Final = "size"
FRESHNESS: Final = "freshness"
_LABELLED: Final = (TRAIN, EVAL)


def check_counts(
    data: ExamplesProperties, splits: list[str], limits: DataCheckerConfig
) -> Iterator[Check]:
    """Yields all checks that need no statistics: sizes, freshness and volume.

    `db check` and the start of a run ask them too, before TensorFlow is loaded.

    Args:
        data: Properties of the Examples.
        splits: Its splits.
        limits: The thresholds.
    """
    yield from check_sizes(data, splits, limits)
    yield check_freshness(data, splits, limits)
    yield from check_volume(data, splits, limits)


def check_sizes(
    data: ExamplesProperties, splits: list[str], limits: DataCheckerConfig
) -> Iterator[Check]:
    """Yields whether there is enough to learn from, to judge by and to score.

    Args:
        data: Properties of the Examples.
        splits: Its splits.
        limits: The thresholds.
    """
    for split in splits:
        found = data.splits[split]
        fewest = limits.min_accounts if split in _LABELLED else 1
        message = (
            f"the split {split} has {found.examples} examples, at least {fewest} are needed "
            "(TENS_INSIGHT_MIN_ACCOUNTS)"
            if split in _LABELLED
            else "no account is left to score: every account has churned or none is active"
        )
        yield _at_least(f"{split}: examples", split, found.examples, fewest, message)
        if split in _LABELLED:
            yield _class_size(split, "churned", found.churned, limits)
            yield _class_size(split, "stayed", found.examples - found.churned, limits)


def _class_size(split: str, outcome: str, count: int, limits: DataCheckerConfig) -> Check:
    message = (
        f"in the split {split} only {count} examples {outcome}, at least "
        f"{limits.min_churned} are needed to learn from and judge by both outcomes "
        "(TENS_INSIGHT_MIN_CHURNED)"
    )
    return _at_least(f"{split}: {outcome}", split, count, limits.min_churned, message)


def _at_least(name: str, split: str, count: int, fewest: int, message: str) -> Check:
    passed = count >= fewest
    return Check(
        name=name,
        group=SIZE,
        splits=(split,),
        found=count,
        threshold=f">= {fewest}",
        verdict=verdict_on(passed),
        message="" if passed else message,
        low=fewest,
    )


def feedback_age_days(data: ExamplesProperties) -> float:
    """Returns how many days the newest feedback is older than as_of.

    Args:
        data: Properties of the Examples, of which some feedback was read.
    """
    assert data.newest_feedback is not None, "reading stops where there is no feedback"
    newest = datetime.fromisoformat(data.newest_feedback)
    age = (datetime.fromisoformat(data.as_of) - newest).total_seconds() / 86_400
    return round(max(0.0, age), 4)


def check_freshness(
    data: ExamplesProperties, splits: list[str], limits: DataCheckerConfig
) -> Check:
    """Returns whether feedback still arrives: silence of the ETL looks like churn.

    Args:
        data: Properties of the Examples.
        splits: Its splits.
        limits: The thresholds.
    """
    as_of = datetime.fromisoformat(data.as_of)
    age, below = feedback_age_days(data), limits.max_feedback_age_days + 1
    passed = age < below
    message = (
        f"the newest feedback is {int(age)} days older than as_of ({as_of:%Y-%m-%d}), at most "
        f"{limits.max_feedback_age_days} are allowed; check the ETL, or that as_of is right "
        "(TENS_INSIGHT_MAX_FEEDBACK_AGE_DAYS)"
    )
    return Check(
        name="days since the newest feedback",
        group=FRESHNESS,
        splits=tuple(splits),
        found=age,
        threshold=f"< {below}",
        verdict=verdict_on(passed),
        message="" if passed else message,
        high=below,
    )
