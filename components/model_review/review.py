"""What the evaluation report says: every number of the page, and of the JSON beside it."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from components.data_checker.checks import Check
from components.model_gate.band_worth import BandsWorth
from components.model_gate.decision_file import JudgedHorizon
from components.model_gate.gate_check import GateCheck
from components.model_review.sections.accounts import ScoreComparison
from components.model_review.sections.calibration import Calibration
from components.model_review.sections.changes import Changes
from components.model_review.sections.data import Fact, LabelledSplit
from components.model_review.sections.decision import Decision, Head
from components.model_review.sections.foreseen import Foreseen
from components.model_review.sections.gains import Gains
from components.model_review.sections.importance import Contribution, Importance
from components.model_review.sections.lineage import Component
from components.model_review.sections.performance import Performance
from components.model_review.sections.slices import Slice
from components.model_review.sections.thresholds import Thresholds
from serving_model.evaluation.ranking import FirstAccounts, FirstDifference

VERSION: Final = 1
"""Of the JSON: rises where a name changes its meaning or goes."""


@dataclass(frozen=True)
class Review:
    """The report: a section is None or empty where the run did not come to it.

    Attributes:
        head: What it is about.
        decision: What became of the run.
        checks: Checks of the gate, in its order.
        performance: ROC, precision-recall and metrics of challenger, champion and baselines.
        calibration: Predicted against observed.
        bands: What the risk categories are worth on the evaluation set, by several rules.
        gains: Churned accounts reached by number of contacts.
        first_accounts: What the first accounts are worth, by model and count.
        first_differences: The challenger's less those of others.
        thresholds: Confusion counts by cut.
        horizons: Every horizon, judged or not.
        slices: Metrics by slice.
        accounts: Today's scores by this model beside what is published.
        foreseen: What is expected of the published scores, beside what the gate saw.
        importance: What the model loses without a reason group, the largest first.
        contributions: How much each reason group moves the scores, the largest first.
        changes: Against the last publication, and the champion.
        data_checks: Checks of the data gate, in its order.
        data_facts: What was read: sizes, freshness, rows that were handled on purpose.
        splits: Dates and sizes.
        lineage: From the database snapshot to the model: artifacts, code, packages.
        settings: Settings of the run, without secrets.
        components: Their durations and memory.
        card: The model card's sections, by heading.
        missing: By name of a section, why it is not there.
    """

    head: Head
    decision: Decision
    checks: tuple[GateCheck, ...] = ()
    performance: Performance | None = None
    calibration: Calibration | None = None
    bands: tuple[BandsWorth, ...] = ()
    gains: Gains | None = None
    first_accounts: tuple[FirstAccounts, ...] = ()
    first_differences: tuple[FirstDifference, ...] = ()
    thresholds: Thresholds | None = None
    horizons: tuple[JudgedHorizon, ...] = ()
    slices: tuple[Slice, ...] = ()
    accounts: ScoreComparison | None = None
    foreseen: Foreseen | None = None
    importance: tuple[Importance, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    changes: Changes | None = None
    data_checks: tuple[Check, ...] = ()
    data_facts: tuple[Fact, ...] = ()
    splits: tuple[LabelledSplit, ...] = ()
    lineage: tuple[Fact, ...] = ()
    settings: tuple[Fact, ...] = ()
    components: tuple[Component, ...] = ()
    card: tuple[tuple[str, tuple[str, ...]], ...] = ()
    missing: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> str:
        """Returns JSON without NaN: what is no number is null."""
        plain = {"version": VERSION, **asdict(self)}
        return TypeAdapter(dict[str, Any]).dump_json(plain, indent=1).decode()
