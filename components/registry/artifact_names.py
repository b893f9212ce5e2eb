"""Names of artifact types and of files in artifacts; this module imports no TFX."""

import re
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
MONITORING: Final = "TensInsightMonitoring"
POLICY_ACT: Final = "TensInsightPolicyAct"
PUBLISHED_AREAS: Final = "TensInsightPublishedAreas"
PUBLISHED_SCORES: Final = "TensInsightPublishedScores"
RECORDED_OUTCOMES: Final = "TensInsightRecordedOutcomes"
STAGE_TRANSITION: Final = "TensInsightStageTransition"
STORE: Final = "TensInsightStore"

REVIEW_HTML: Final = "review.html"
REVIEW_JSON: Final = "review.json"
_SERVING: Final = "Format-Serving"
_NO_FILE_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")


def saved_model_path(model_uri: str) -> str:
    """Returns the folder of the SavedModel in a Model artifact, where TFX's Trainer writes it."""
    return f"{model_uri}/{_SERVING}"


def review_copy_name(as_of: str, name: str) -> str:
    """Returns the name of a copy of a report, without its ending: it sorts by time.

    Args:
        as_of: The run's now, ISO 8601; may be empty.
        name: Version of the model, or the run's name where it made none.
    """
    return _NO_FILE_NAME.sub("", f"{as_of[:19]}-{name}").strip("-")
