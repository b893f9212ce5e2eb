"""Results to judge and to write."""

from typing import Any

from bench.quality_result import Figure, Origin, QualityResult
from bench.score_table import OURS, Score
from bench.slices import SliceScore
from bench.verdict import REFERENCES

ORIGIN = Origin("abc", "123", "def", "2026-11-30 00:50", 1.5)


def result(name: str, auc: float = 0.76, **changes: Any) -> QualityResult:
    """A result whose log-loss is 0.41 and whose calibration error is 0.02, below no other model."""
    ours = {"AUC": auc, "log-loss": 0.41, "calibration error": 0.02}
    scores = []
    for metric, value in ours.items():
        scores.append(Score(metric, OURS, value, (value - 0.01, value + 0.01), None, None))
        scores += [
            Score(metric, reference, value, (value, value), 0.0, (-0.004, 0.005))
            for reference in REFERENCES
        ]
    values: dict[str, Any] = {
        "name": name,
        "description": f"the history {name}",
        "origin": ORIGIN,
        "training_examples": 50_000,
        "training_rate": 0.4,
        "test_accounts": 1234,
        "test_rate": 0.3,
        "horizon_days": 60,
        "training_seconds": 30.0,
        "other_labels": 0,
        "scores": scores,
        "slices": [
            SliceScore("tier pro", 900, 200, 0.71, 0.5, 0.03, ""),
            SliceScore("state silent", 3, 1, None, None, None, "too little data: 1 churned"),
        ],
        "limit": {},
        "cpu_seconds": {"history": 6.0, "pipeline": 90.0},
    }
    return QualityResult(**{**values, **changes})


def limited(lead: float, share: float) -> dict[str, Figure]:
    """Figures against the limit."""
    return {
        "limit minus model: AUC": Figure(lead, lead - 0.01, lead + 0.01),
        "model: share of log-loss": Figure(share, share - 0.1, share + 0.1),
    }
