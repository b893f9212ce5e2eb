"""Measures of a run that need no arrays: sizes, ages, coverage, data checks, costs of nodes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from components.data_checker.sizes import feedback_age_days
from components.feedback_example_gen.cutoffs import SCORE
from components.monitor.measures import (
    AMOUNT,
    COUNT,
    CUMULATIVE,
    FACT,
    SHARE,
    Measure,
)
from components.registry.input_properties import CHURN, ExamplesProperties
from components.registry.node_costs import DONE, NodeCost

_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run beside its data.

    Attributes:
        trained_as_of: The now of the champion's training run; None where nobody recorded it.
        published_before: as_of of the publication before; None for the first.
        refusals: Publications that the circuit breaker refused since then.
        costs: What the nodes took so far.
    """

    trained_as_of: datetime | None = None
    published_before: datetime | None = None
    refusals: int = 0
    costs: Sequence[NodeCost] = ()


def measure_input(data: ExamplesProperties) -> Iterator[Measure]:
    """Yields what was counted while the feedback was read.

    Args:
        data: Properties of the Examples.
    """
    if data.newest_feedback is not None:
        age = feedback_age_days(data)
        yield Measure("freshness", AMOUNT, "days since the newest feedback", age)
    if data.rows_last_week is not None:
        yield Measure("volume", COUNT, "rows of the last 7 days", data.rows_last_week, fresh=True)
    rows = max(data.feedback_rows, 1)
    yield Measure("record", CUMULATIVE, "rows", data.feedback_rows)
    for metric, count in (
        ("rows without account", data.rows_without_account),
        ("rows that repeat another", data.duplicate_rows),
        ("rows without a date", data.rows_without_date),
    ):
        yield Measure("rows", SHARE, metric, count / rows, observations=rows)
    if data.late_rows is not None:
        late = max(0, data.late_rows) / rows
        yield Measure("rows", SHARE, "rows that came late", late, observations=rows)
    if (churn := data.truth.get(CHURN)) is not None:
        yield Measure("churn", CUMULATIVE, "churn rows", churn.rows)
    scored = data.splits[SCORE].examples
    yield Measure("accounts", COUNT, "accounts scored", scored, observations=scored)
    yield Measure(
        "coverage",
        SHARE,
        "accounts not scored",
        1 - min(1.0, scored / max(data.accounts, 1)),
        observations=data.accounts,
    )


def measure_run(as_of: datetime, facts: RunFacts) -> Iterator[Measure]:
    """Yields ages, refusals, and what the nodes took.

    Args:
        as_of: The run's now, UTC.
        facts: Of the run.
    """
    if facts.trained_as_of is not None:
        age = _days(as_of, facts.trained_as_of)
        yield Measure("age", FACT, "days since training", age)
    if facts.published_before is not None:
        gap = _days(as_of, facts.published_before)
        yield Measure("age", AMOUNT, "days since the publication before", gap)
    yield Measure("breaker", COUNT, "refused publications", facts.refusals)
    for cost in facts.costs:
        if cost.outcome == DONE and cost.seconds is not None:
            yield Measure("costs", AMOUNT, "seconds", cost.seconds, f"node {cost.name}")
        if cost.outcome == DONE and cost.peak_mib is not None:
            yield Measure("costs", AMOUNT, "peak MiB", cost.peak_mib, f"node {cost.name}")


def _days(later: datetime, earlier: datetime) -> float:
    return max(0.0, (later - earlier).total_seconds() / _DAY_SECONDS)
