"""What a run left behind when its report is written: whatever of it there is."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfx import types
from tfx.dsl.io import fileio

from components.data_checker.checks import Check
from components.data_checker.decision_file import read_decision
from components.model_gate import decision as decisions
from components.registry import artifact_facts
from components.registry.node_costs import NodeCost

Artifacts = Mapping[str, list[types.Artifact]]
Facts = dict[str, Any]


@dataclass(frozen=True)
class RunArtifacts:
    """The artifacts of a run; an input that its node never made is empty.

    Attributes:
        run_id: TFX's name of the run.
        examples: Properties of the Examples.
        model: Properties of the challenger.
        former_champion: Properties of the model that it was compared with.
        champion: Properties of the model that scores now.
        published: Properties of the PublishedScores; empty where none were published.
        checks: Of the data gate.
        judged: decision.json of the gate; None where it was not reached.
        costs: What the nodes took, those that were not run included.
        uris: Folder of each artifact, by its input.
    """

    run_id: str
    examples: Facts = field(default_factory=dict)
    model: Facts = field(default_factory=dict)
    former_champion: Facts = field(default_factory=dict)
    champion: Facts = field(default_factory=dict)
    published: Facts = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    judged: Facts | None = None
    costs: tuple[NodeCost, ...] = ()
    uris: Mapping[str, str] = field(default_factory=dict)

    @property
    def blessed(self) -> bool:
        """Whether the gate blessed the challenger."""
        return self.judged is not None and bool(self.judged["blessed"])


def collect(inputs: Artifacts, run_id: str, costs: list[NodeCost]) -> RunArtifacts:
    """Reads what there is.

    Args:
        inputs: Of ModelReview; any of them may be absent.
        run_id: TFX's name of the run.
        costs: Of its nodes.
    """
    one = {name: found[0] for name, found in inputs.items() if found}
    facts = {name: artifact_facts.custom_properties(artifact) for name, artifact in one.items()}
    published = facts.get("scores", {})
    return RunArtifacts(
        run_id=run_id,
        examples=facts.get("examples", {}),
        model=facts.get("model", {}),
        former_champion=facts.get("baseline_model", {}),
        champion=facts.get("champion", {}),
        # Before it publishes, AccountScorer describes nothing.
        published=published if "published_at" in published else {},
        checks=tuple(read_decision(one["data_decision"].uri)) if "data_decision" in one else (),
        judged=_judged(one["blessing"].uri) if "blessing" in one else None,
        costs=tuple(costs),
        uris={name: artifact.uri for name, artifact in one.items()},
    )


def _judged(blessing_uri: str) -> Facts:
    with fileio.open(os.path.join(blessing_uri, decisions.FILE)) as file:
        found: Facts = json.loads(file.read())
    return found
