"""What a challenger must show."""

from pydantic import Field

from components.config import Count, Fraction, component_config


@component_config
class ModelGateConfig:
    """Thresholds of the model gate."""

    min_auc: Fraction = Field(
        default=0.6, description="The gate: lowest AUC on the evaluation set."
    )
    max_auc_drop: Fraction = Field(
        default=0.02,
        description="The gate: how far AUC may fall behind champion or logistic regression.",
    )
    max_pr_auc_drop: Fraction = Field(
        default=0.03,
        description="The gate: the same for the area under the precision-recall curve.",
    )
    max_log_loss_rise: float = Field(
        default=0.02, ge=0, description="The gate: how far log-loss may rise over theirs, in nats."
    )
    max_calibration_error: Fraction = Field(
        default=0.05, description="The gate: highest expected calibration error."
    )
    max_calibration_gap: Fraction = Field(
        default=0.05,
        description="The gate: maximum difference of mean probability and observed rate.",
    )
    min_slice_churned: Count = Field(
        default=30, description="The gate: minimum churned accounts of a slice that is checked."
    )
    min_slice_stayed: Count = Field(
        default=30, description="The gate: minimum accounts that stayed, of such a slice."
    )
