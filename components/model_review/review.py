"""What the evaluation report says: every number of the page, and of the JSON beside it."""

from dataclasses import asdict, dataclass
from typing import Final

from components.model_review.account_sections import Contribution, Importance, Standing
from components.model_review.quality_sections import Calibration, Gains, Quality, Slice
from components.model_review.run_sections import (
    Changes,
    Component,
    DataCheck,
    Fact,
    LabelledSplit,
)
from components.strict_json import strict_json

VERSION: Final = 1
"""Of the JSON: rises where a name changes its meaning or goes."""

BLESSED: Final = "blessed"
NOT_BLESSED: Final = "not blessed"
STOPPED: Final = "stopped by the data gate"
FAILED: Final = "failed"
"""Of a run in which a component failed before the gate could decide."""


@dataclass(frozen=True)
class Decision:
    """What became of the run, in a sentence, and what that means.

    Attributes:
        kind: BLESSED, NOT_BLESSED, STOPPED or FAILED.
        sentence: Why, as the gate says it.
        consequence: What scores the accounts now.
    """

    kind: str
    sentence: str
    consequence: str


@dataclass(frozen=True)
class Check:
    """One check of the gate, as decision.json has it; see model_gate.gate_check.GateCheck."""

    name: str
    slice: str
    value: float | None
    interval: tuple[float, float] | None
    bar: str
    limit: float | None
    verdict: str
    accounts: int
    churned: int
    message: str


@dataclass(frozen=True)
class Head:
    """What the report is about.

    Attributes:
        run_id: TFX's name of the run.
        model_version: Of the challenger; None where the run came to none.
        champion_version: Of the model that it was compared with; None where there was none.
        as_of: The run's now, ISO 8601 UTC; empty where not even reading came to its end.
        label_source: account_churn or inactivity; empty likewise.
        horizon_days: How far the label looks ahead.
        lookback_days: How far back events count.
        eval_cutoff: Of the evaluation snapshot, ISO 8601 UTC.
        accounts: Snapshots in it.
        churned: Of them, how many churned.
    """

    run_id: str
    model_version: str | None
    champion_version: str | None
    as_of: str
    label_source: str
    horizon_days: int | None
    lookback_days: int | None
    eval_cutoff: str
    accounts: int | None
    churned: int | None


@dataclass(frozen=True)
class Review:
    """The report: a section is None or empty where the run did not come to it.

    Attributes:
        head: What it is about.
        decision: What became of the run.
        checks: Of the gate, in its order.
        quality: ROC, precision-recall and metrics of the challenger and its rivals.
        calibration: Predicted against observed.
        gains: How many leavers are found by how many calls.
        slices: Metrics by slice.
        standing: Today's scores by this model beside what is published.
        importance: What the model loses without a reason group, the largest first.
        contributions: How much each reason group moves the scores, the largest first.
        changes: Against the last publication, and the champion.
        data_checks: Of the data gate, in its order.
        data_facts: What was read: sizes, freshness, rows that were handled on purpose.
        splits: Dates and sizes.
        lineage: From snapshot to model: artifacts, code, packages.
        settings: Of the run, without secrets.
        components: Their durations and memory.
        card: The model card's sections, by heading.
        missing: By name of a section, why it is not there.
    """

    head: Head
    decision: Decision
    checks: tuple[Check, ...] = ()
    quality: Quality | None = None
    calibration: Calibration | None = None
    gains: Gains | None = None
    slices: tuple[Slice, ...] = ()
    standing: Standing | None = None
    importance: tuple[Importance, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    changes: Changes | None = None
    data_checks: tuple[DataCheck, ...] = ()
    data_facts: tuple[Fact, ...] = ()
    splits: tuple[LabelledSplit, ...] = ()
    lineage: tuple[Fact, ...] = ()
    settings: tuple[Fact, ...] = ()
    components: tuple[Component, ...] = ()
    card: tuple[tuple[str, tuple[str, ...]], ...] = ()
    missing: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> str:
        """Returns JSON without NaN: what is no number is null."""
        return strict_json({"version": VERSION, **asdict(self)})
