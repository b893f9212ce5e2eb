"""What a run tells at its end: one object, printed for people or as JSON."""

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from components.publishing.published import AccountRisk, PublishedArea
from components.registry.artifact_names import MODEL_EVALUATION
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import BlessingProperties, ModelProperties
from components.registry.monitoring_properties import MonitoringProperties
from components.registry.published_properties import (
    PublishedAreasProperties,
    PublishedScoresProperties,
    RecordedOutcomesProperties,
)
from components.registry.stages import StageTransition
from pipeline.registry.registry import RunArtifacts
from pipeline.runs.data_checks import DataChecks
from transforms.cold_start_rule import NOTHING_LEARNT, is_rule

if TYPE_CHECKING:
    from components.model_gate.band_worth import BandsWorth
    from components.model_gate.decision_file import Decision

TOP: Final = 10


@dataclass(frozen=True)
class RunSummary:
    """A run that published.

    Attributes:
        pipeline: tens-insight-train or tens-insight-score.
        run_id: The run's name.
        database: user@host:port/dbname.
        state_dir: Which state directory, and why that one.
        data: Properties of the Examples.
        published: Properties of the PublishedScores.
        highest: The accounts most at risk.
        areas: Properties of the PublishedAreas.
        top_areas: The published product areas of the highest priority.
        model_uri: Folder of the champion's SavedModel.
        champion: Properties of the champion, or of the cold-start rule.
        gate: The decision on the challenger; None in a scoring run.
        pushed_to: Folder of the pushed model; None if none was pushed.
        hyperparameters_from: Where those of the trained model come from: settings, or which
            tuner run; None in a scoring run.
        data_gate: What the data gate checked, and its warnings.
        monitoring: What Monitor noticed; None where its node was not run.
        report: The evaluation report's file; None in a scoring run.
        report_copy_problem: Why there is no copy of it where settings ask for one.
        not_shown: Why `highest` and `top_areas` could not be read; empty where they were.
        outcomes: Properties of the RecordedOutcomes.
        judged: What the gate said of the champion when it was trained; None where that is gone.
        exit_code: Of the command: 0, or what --strict says of a challenger that was refused.
        bands_worth: What the risk categories of the champion are worth on its evaluation set, by
            the rule that was applied; None where the gate did not judge that one.
        accepted: The decision by which the champion scores although it was not blessed.
        not_learnt: Why a run that was to train scored by the rule instead, a sentence each.
        untold: What those who look on could not do, such as a sink that did not answer.
    """

    pipeline: str
    run_id: str
    database: str
    state_dir: str
    data: ExamplesProperties
    published: PublishedScoresProperties
    highest: list[AccountRisk]
    areas: PublishedAreasProperties
    top_areas: list[PublishedArea]
    model_uri: str
    champion: ModelProperties
    gate: "Decision | None" = None
    pushed_to: str | None = None
    hyperparameters_from: str | None = None
    data_gate: DataChecks = field(default_factory=DataChecks)
    monitoring: MonitoringProperties | None = None
    report: str | None = None
    report_copy_problem: str | None = None
    not_shown: str = ""
    outcomes: RecordedOutcomesProperties | None = None
    judged: BlessingProperties | None = None
    exit_code: int = 0
    not_learnt: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    accepted: StageTransition | None = None
    bands_worth: "BandsWorth | None" = None

    @property
    def by_rule(self) -> str:
        """Says that the cold-start rule scored, in a sentence; empty where a model did."""
        version = self.published.model_version
        return f"{version}, {NOTHING_LEARNT}." if is_rule(version) else ""

    def as_json(self) -> dict[str, Any]:
        """Returns plain values, with `outcome` first."""
        properties = {
            name: getattr(self, name).as_json()
            for name in ("data", "published", "areas", "champion")
        }
        if self.outcomes is not None:
            properties["outcomes"] = self.outcomes.as_json()
        if self.judged is not None:
            properties["judged"] = self.judged.as_json()
        if self.monitoring is not None:
            properties["monitoring"] = self.monitoring.as_json()
        learnt = {"learnt": not self.by_rule}
        return {"outcome": "published", **learnt, **asdict(self), **properties}


def blessing_of(made: RunArtifacts, version: str) -> BlessingProperties | None:
    """Returns the newest blessing of a model among those that a run made or resolved."""
    found = [one.properties for one in made.all_of(BlessingProperties)]
    return next((one for one in found if one.model_version == version), None)


def decision_of(made: RunArtifacts) -> "Decision | None":
    """Reads what the gate decided.

    Args:
        made: Of the run. A run that evaluated nothing, such as a scoring run, has no decision
            of its own, though it used an older blessing.
    """
    from components.model_gate.decision_file import read_decision

    # The Evaluator's blessing is empty: it decides nothing.
    own = [one for one in made.all_of(BlessingProperties) if one.properties.decision]
    if not own or made.newest_uri(MODEL_EVALUATION) is None:
        return None
    return read_decision(own[0].uri)
