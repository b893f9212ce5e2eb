"""What is expected of the published scores before any outcome, beside what the gate saw."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from components.model_review.run_artifacts import RunArtifacts
from serving_model.evaluation.metrics import METRICS

FORESEEN: Final = ("auc", "log_loss")
"""Metrics, by the names of METRICS, in the order of the table."""


@dataclass(frozen=True)
class ForeseenMetric:
    """One metric of the published scores.

    Attributes:
        metric: Its name in METRICS.
        value: Estimated from the probabilities alone.
        low: Lower end of the 95 % interval of the estimate; None where it has none.
        high: Upper end.
        at_the_gate: Of the same model on the evaluation set of this run; None where the gate did
            not measure it.
    """

    metric: str
    value: float
    low: float | None
    high: float | None
    at_the_gate: float | None


@dataclass(frozen=True)
class Foreseen:
    """What is expected of the scores that the run published.

    Attributes:
        model_version: Of the model that scored.
        known_from: When the window of the scores is over, ISO 8601 UTC.
        metrics: In the order of FORESEEN.
    """

    model_version: str
    known_from: str
    metrics: tuple[ForeseenMetric, ...]


def foreseen_of(run: RunArtifacts) -> Foreseen | None:
    """Returns what is expected; None where nothing was published or estimated."""
    published, outcomes, data = run.published, run.outcomes, run.examples
    if published is None or outcomes is None or data is None or not outcomes.estimated:
        return None
    seen = _at_the_gate(run, published.model_version)
    known_from = datetime.fromisoformat(published.as_of) + timedelta(days=data.horizon_days)
    found = outcomes.estimated
    return Foreseen(
        published.model_version,
        known_from.isoformat(),
        tuple(
            ForeseenMetric(
                METRICS[name].name, found[name].value, found[name].low, found[name].high,
                seen.get(name),
            )
            for name in FORESEEN
            if name in found
        ),
    )  # fmt: skip


def _at_the_gate(run: RunArtifacts, version: str) -> dict[str, float | None]:
    if run.judged is None:
        return {}
    model = "challenger" if run.judged.model_version == version else "champion"
    return dict(run.judged.metrics.get(model, {}))
