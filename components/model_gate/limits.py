"""The bars of the gate, as the settings give them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LOWEST_AUC: Final = 0.5
"""A ranking by chance."""


@dataclass(frozen=True)
class Limits:
    """How much worse, how far off, and on how many accounts.

    Attributes:
        min_auc: Lowest AUC on the evaluation set.
        max_auc_drop: Below the champion or logistic regression.
        max_pr_auc_drop: The same of average precision.
        max_log_loss_rise: Above the champion or logistic regression, in nats.
        max_calibration_error: Expected calibration error, overall.
        max_calibration_gap: |mean probability - observed rate|, overall and per slice.
        min_slice_churned: Fewest churned accounts of a slice that counts.
        min_slice_stayed: Fewest that stayed.
    """

    min_auc: float
    max_auc_drop: float
    max_pr_auc_drop: float
    max_log_loss_rise: float
    max_calibration_error: float
    max_calibration_gap: float
    min_slice_churned: int
    min_slice_stayed: int

    @property
    def max_worsening(self) -> Mapping[str, float]:
        """How much worse the challenger may be, by name of the metric."""
        return {
            "auc": self.max_auc_drop,
            "pr_auc": self.max_pr_auc_drop,
            "log_loss": self.max_log_loss_rise,
        }
