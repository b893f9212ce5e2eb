"""What a run tells at its end: one object, printed for people or as JSON."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from components.publishing.published_areas import PublishedArea
from components.publishing.published_scores import AccountRisk
from pipeline.registry.registry import Artifact, Registry, Run
from pipeline.runs.data_checks import DataChecks

if TYPE_CHECKING:
    from pipeline.runs.gate_decision import GateDecision

TOP: Final = 10
CATEGORIES: Final = ("critical", "high", "medium", "low")


@dataclass(frozen=True)
class RunSummary:
    """A run that published.

    Attributes:
        pipeline: tens-insight-train or tens-insight-score.
        run_id: TFX's name of the run.
        database: user@host:port/dbname.
        data: Custom properties of the Examples: as_of, label, cutoffs, sizes.
        published: Custom properties of the PublishedScores: version, counts.
        highest: The accounts most at risk.
        areas: Custom properties of the PublishedAreas: version of the weights, counts.
        top_areas: The published product areas of the highest priority.
        model_uri: Folder of the champion's SavedModel.
        champion: The champion's custom properties.
        gate: The decision on the challenger; None in a scoring run.
        pushed_to: Folder of the pushed model; None if none was pushed.
        hyperparameters_from: Where those of the trained model come from: settings, or which
            tuner run; None in a scoring run.
        data_gate: What the data gate checked, and its warnings.
        report: The evaluation report's file; None in a scoring run.
        report_copy_problem: Why there is no copy of it where settings ask for one.
    """

    pipeline: str
    run_id: str
    database: str
    data: dict[str, Any]
    published: dict[str, Any]
    highest: list[AccountRisk]
    areas: dict[str, Any]
    top_areas: list[PublishedArea]
    model_uri: str
    champion: dict[str, Any]
    gate: "GateDecision | None" = None
    pushed_to: str | None = None
    hyperparameters_from: str | None = None
    data_gate: DataChecks = field(default_factory=DataChecks)
    report: str | None = None
    report_copy_problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Returns plain values, with `outcome` first."""
        return {"outcome": "published", **asdict(self)}


def newest_run(registry: Registry, pipeline: str, since: datetime) -> Run | None:
    """Returns the run of a pipeline that began at or after a moment, if any."""
    return next(
        (run for run in registry.runs() if run.pipeline == pipeline and run.started_at >= since),
        None,
    )


def decision_of(artifacts: list[Artifact]) -> "GateDecision | None":
    """Reads what the gate decided.

    Args:
        artifacts: Of the run. A run that evaluated nothing, such as a scoring run,
            has no decision of its own, though it used an older blessing.
    """
    from pipeline.runs.gate_decision import read_decision

    # The Evaluator's blessings have no decision: they are one of the gate's checks.
    own = [one for one in artifacts if "decision" in one.facts]
    blessing = newest(own, "ModelBlessing")
    if blessing is None or newest(artifacts, "ModelEvaluation") is None:
        return None
    return read_decision(blessing.uri)


def newest(artifacts: list[Artifact], type_name: str) -> Artifact | None:
    """Returns the newest artifact of a type, if there is one."""
    found = [one for one in artifacts if one.type_name == type_name]
    return max(found, key=_artifact_id) if found else None


def _artifact_id(artifact: Artifact) -> int:
    return artifact.artifact_id
