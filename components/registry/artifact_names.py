"""Names of artifact types and of files in artifacts; this module imports no TFX."""

from typing import Final

EXAMPLES: Final = "Examples"
MODEL: Final = "Model"
MODEL_RUN: Final = "ModelRun"
MODEL_BLESSING: Final = "ModelBlessing"
MODEL_EVALUATION: Final = "ModelEvaluation"
PUSHED_MODEL: Final = "PushedModel"
HYPERPARAMETERS: Final = "HyperParameters"
"""TFX's own types, as far as we read them."""

AREA_COUNTS: Final = "TensInsightAreaCounts"
DATA_GATE_DECISION: Final = "TensInsightDataGateDecision"
MODEL_REVIEW: Final = "TensInsightModelReview"
PUBLISHED_AREAS: Final = "TensInsightPublishedAreas"
PUBLISHED_SCORES: Final = "TensInsightPublishedScores"
STAGE_TRANSITION: Final = "TensInsightStageTransition"
STORE: Final = "TensInsightStore"

REVIEW_HTML: Final = "review.html"
REVIEW_JSON: Final = "review.json"
_SERVING: Final = "Format-Serving"


def saved_model_path(model_uri: str) -> str:
    """Returns the folder of the SavedModel in a Model artifact, where TFX's Trainer writes it."""
    return f"{model_uri}/{_SERVING}"
