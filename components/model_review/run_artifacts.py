"""What a run left behind when its report is written: whatever of it there is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tfx import types

from components.data_checker.checks import Check
from components.data_checker.decision_file import read_checks
from components.model_gate.decision_file import Decision, read_decision
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import ModelProperties
from components.registry.node_costs import NodeCost
from components.registry.properties import P
from components.registry.published_properties import (
    PublishedScoresProperties,
    RecordedOutcomesProperties,
)

Artifacts = Mapping[str, list[types.Artifact]]


@dataclass(frozen=True)
class RunArtifacts:
    """The artifacts of a run; None for an input that its node never made.

    Attributes:
        run_id: The run's name.
        examples: Properties of the Examples.
        model: Properties of the challenger.
        former_champion: Properties of the model that it was compared with.
        champion: Properties of the model that scores now.
        published: Properties of the PublishedScores.
        outcomes: Properties of the RecordedOutcomes.
        checks: Checks of the data gate.
        judged: The decision of the gate.
        costs: What the nodes took, those that were not run included.
        uris: Folder of each artifact, by its input.
    """

    run_id: str
    examples: ExamplesProperties | None = None
    model: ModelProperties | None = None
    former_champion: ModelProperties | None = None
    champion: ModelProperties | None = None
    published: PublishedScoresProperties | None = None
    outcomes: RecordedOutcomesProperties | None = None
    checks: tuple[Check, ...] = ()
    judged: Decision | None = None
    costs: tuple[NodeCost, ...] = ()
    uris: Mapping[str, str] = field(default_factory=dict)

    @property
    def blessed(self) -> bool:
        """Whether the gate blessed the challenger."""
        return self.judged is not None and self.judged.blessed


def collect(inputs: Artifacts, run_id: str, costs: list[NodeCost]) -> RunArtifacts:
    """Reads what there is.

    Args:
        inputs: Inputs of ModelReview; any of them may be absent.
        run_id: The run's name.
        costs: Durations and memory of its nodes.
    """
    one = {name: found[0] for name, found in inputs.items() if found}
    return RunArtifacts(
        run_id=run_id,
        examples=_properties(one.get("examples"), ExamplesProperties),
        model=_properties(one.get("model"), ModelProperties),
        former_champion=_properties(one.get("baseline_model"), ModelProperties),
        champion=_properties(one.get("champion"), ModelProperties),
        published=_properties(one.get("scores"), PublishedScoresProperties),
        outcomes=_properties(one.get("outcomes"), RecordedOutcomesProperties),
        checks=tuple(read_checks(one["data_decision"].uri)) if "data_decision" in one else (),
        judged=read_decision(one["blessing"].uri) if "blessing" in one else None,
        costs=tuple(costs),
        uris={name: artifact.uri for name, artifact in one.items()},
    )


def _properties(artifact: types.Artifact | None, kind: type[P]) -> P | None:
    """Returns what an artifact says of itself; None where its node failed, or was not run."""
    return kind.read_if_written(artifact) if artifact is not None else None
