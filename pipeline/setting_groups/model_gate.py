"""What a challenger must show."""

import pydantic
from pydantic import Field

from pipeline.setting_groups.types import Share, Units


class ModelGateSettings(pydantic.BaseModel):
    """Bars of the model gate."""

    min_auc: Share = Field(0.6, description="The gate: lowest AUC on the evaluation snapshot.")
    max_auc_drop: Share = Field(
        0.02, description="The gate: how far AUC may fall behind champion or logistic regression."
    )
    max_pr_auc_drop: Share = Field(
        0.03, description="The gate: the same for the area under the precision-recall curve."
    )
    max_log_loss_rise: float = Field(
        0.02, ge=0, description="The gate: how far log-loss may rise over theirs, in nats."
    )
    max_calibration_error: Share = Field(
        0.05, description="The gate: highest expected calibration error."
    )
    max_calibration_gap: Share = Field(
        0.05, description="The gate: most that mean probability and observed rate may differ."
    )
    min_slice_churned: Units = Field(
        30, description="The gate: fewest churned accounts of a slice that counts."
    )
    min_slice_stayed: Units = Field(
        30, description="The gate: fewest accounts that stayed, of a slice that counts."
    )
