"""Results to judge and to write."""

from typing import Any

from bench.quality_result import Figure, QualityResult
from bench.score_table import OURS, Score
from bench.slices import SliceScore
from bench.verdict import REFERENCE


def result(name: str, auc: float = 0.76, **changes: Any) -> QualityResult:
    """A result whose log-loss is 0.41 and whose calibration error is 0.02, never below LightGBM."""
    ours = {"AUC": auc, "log-loss": 0.41, "calibration error": 0.02}
    scores = []
    for metric, value in ours.items():
        scores.append(Score(metric, OURS, value, (value - 0.01, value + 0.01), None, None))
        scores.append(Score(metric, REFERENCE, value, (value, value), 0.0, (-0.004, 0.005)))
    values: dict[str, Any] = {
        "name": name,
        "fingerprint": "abc",
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
    }
    return QualityResult(**{**values, **changes})


def limited(lead: float, share: float) -> dict[str, Figure]:
    """Figures against the limit."""
    return {
        "limit minus model: AUC": Figure(lead, lead - 0.01, lead + 0.01),
        "model: share of log-loss": Figure(share, share - 0.1, share + 0.1),
    }
