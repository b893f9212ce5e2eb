"""The lineage of a run, its settings, and what its components took."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.model_review.run_artifacts import RunArtifacts
from components.model_review.sections.data import Fact

_ARTIFACTS = (
    ("examples", "Examples"),
    ("data_decision", "data gate's decision"),
    ("model", "Model"),
    ("blessing", "gate's decision and predictions"),
    ("scores", "published scores"),
)
_OF_THE_MODEL = (
    ("packages", "packages"),
    ("saved_model_sha256", "SHA-256 of the SavedModel"),
    ("hyperparameters_from", "hyperparameters from"),
    ("hyperparameters", "hyperparameters"),
)


@dataclass(frozen=True)
class Component:
    """What a component took.

    Attributes:
        name: Name of the node.
        seconds: Wall clock.
        peak_mib: Highest resident memory of the process meanwhile, MiB; None if not known.
        outcome: done, failed or not run.
    """

    name: str
    seconds: float | None
    peak_mib: float | None
    outcome: str


def lineage_of(run: RunArtifacts, code_version: str) -> tuple[Fact, ...]:
    """Returns what leads from the database to the model, as far as the run came.

    Args:
        run: What is known of the run.
        code_version: Hash of the code that reads, transforms and learns.
    """
    return tuple(_lineage(run, code_version))


def settings_of(settings: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Returns the settings of a run; no setting holds a secret."""
    return tuple(
        Fact(name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in sorted(settings.items())
    )


def components_of(run: RunArtifacts) -> tuple[Component, ...]:
    """Returns what the nodes before the report took."""
    return tuple(
        Component(cost.name, cost.seconds, cost.peak_mib, cost.outcome) for cost in run.costs
    )


def _lineage(run: RunArtifacts, code_version: str) -> Iterator[Fact]:
    yield Fact("run", run.run_id)
    if data := run.examples:
        newest = f", the newest of {data.newest_feedback}" if data.newest_feedback else ""
        watermark = f"{data.feedback_rows:,} rows{newest}"
        yield Fact("database snapshot", f"as of {data.as_of}: {watermark}")
    yield Fact("code version", code_version)
    model = run.model.as_plain() if run.model else {}
    for name, words in _OF_THE_MODEL:
        if name in model:
            yield Fact(words, str(model[name]))
    for name, words in _ARTIFACTS:
        if name in run.uris:
            yield Fact(words, run.uris[name])
