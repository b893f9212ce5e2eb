"""The checks of the data gate, as pure functions of what the artifacts say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from components.feedback_example_gen.cutoffs import EVAL, SCORE, TRAIN
from components.feedback_example_gen.properties import AS_OF, NEWEST_FEEDBACK

SERVING: Final = "SERVING"
_LABELLED: Final = (TRAIN, EVAL)


@dataclass(frozen=True)
class Check:
    """One check: its name, what was found, the bar, the verdict, and why it matters."""

    name: str
    found: str
    bar: str
    passed: bool
    message: str


@dataclass(frozen=True)
class Limits:
    """The bars: counts of accounts and churned snapshots, age of feedback in days."""

    min_accounts: int
    min_churned: int
    max_feedback_age_days: int


def check_sizes(facts: Mapping[str, Any], splits: list[str], limits: Limits) -> Iterator[Check]:
    """Yields whether there is enough to learn from, to judge by and to score.

    Args:
        facts: Custom properties of the Examples artifact.
        splits: Its splits.
        limits: The bars.
    """
    for split in splits:
        snapshots, churned = facts[f"{split}_snapshots"], facts[f"{split}_churned"]
        fewest = limits.min_accounts if split in _LABELLED else 1
        yield Check(
            name=f"{split}: snapshots",
            found=str(snapshots),
            bar=f">= {fewest}",
            passed=snapshots >= fewest,
            message=f"the split {split} has {snapshots} snapshots, at least {fewest} are needed "
            "(TENS_INSIGHT_MIN_ACCOUNTS)"
            if split in _LABELLED
            else "no account is left to score: every account has churned or none is active",
        )
        if split in _LABELLED:
            yield _class_size(split, "churned", churned, limits)
            yield _class_size(split, "stayed", snapshots - churned, limits)


def _class_size(split: str, outcome: str, count: int, limits: Limits) -> Check:
    return Check(
        name=f"{split}: {outcome}",
        found=str(count),
        bar=f">= {limits.min_churned}",
        passed=count >= limits.min_churned,
        message=f"in the split {split} only {count} snapshots {outcome}, at least "
        f"{limits.min_churned} are needed to learn from and judge by both outcomes "
        "(TENS_INSIGHT_MIN_CHURNED)",
    )


def check_freshness(facts: Mapping[str, Any], limits: Limits) -> Check:
    """Returns whether feedback still arrives: silence of the ETL looks like churn."""
    as_of = datetime.fromisoformat(facts[AS_OF])
    age = (as_of - datetime.fromisoformat(facts[NEWEST_FEEDBACK])).days
    return Check(
        name="age of the newest feedback",
        found=f"{age} days",
        bar=f"<= {limits.max_feedback_age_days} days",
        passed=age <= limits.max_feedback_age_days,
        message=f"the newest feedback is {age} days older than as_of ({as_of:%Y-%m-%d}), at most "
        f"{limits.max_feedback_age_days} are allowed; check the ETL, or that as_of is right "
        "(TENS_INSIGHT_MAX_FEEDBACK_AGE_DAYS)",
    )


def check_anomalies(split: str, anomalies: anomalies_pb2.Anomalies) -> Iterator[Check]:
    """Yields one check for the split, or one for each anomaly of severity ERROR."""
    bar = "no anomaly of severity ERROR"
    errors = _errors(anomalies)
    if not errors:
        yield Check(f"{split}: schema", "none", bar, True, "")
    for name, what in errors:
        yield Check(
            name=f"{split}: schema, {name}",
            found=what,
            bar=bar,
            passed=False,
            message=f"in the split {split}, {name} breaks the schema: {what} "
            "(transforms/schema/schema.pbtxt says what is allowed)",
        )


def _errors(anomalies: anomalies_pb2.Anomalies) -> list[tuple[str, str]]:
    """Returns what breaks the schema, and how."""
    infos = sorted(anomalies.anomaly_info.items())
    if anomalies.HasField("dataset_anomaly_info"):
        infos.append(("the data set", anomalies.dataset_anomaly_info))
    errors = [
        (name, info.description or info.short_description)
        for name, info in infos
        if info.severity == anomalies_pb2.AnomalyInfo.ERROR
    ]
    if anomalies.data_missing:
        errors.append(("the data set", "there are no data"))
    return errors


def validate_score_split(
    statistics: statistics_pb2.DatasetFeatureStatisticsList, schema: schema_pb2.Schema
) -> Iterator[Check]:
    """Yields the checks of unlabelled snapshots, which ExampleValidator cannot make."""
    anomalies = tfdv.validate_statistics(statistics, schema, environment=SERVING)
    yield from check_anomalies(SCORE, anomalies)
