"""Two models on the outcomes that are known by now."""

import numpy as np

from components.errors import TensInsightError
from components.model_review.sections.comparison import FEWEST, MaturedOutcomes, metric_pairs
from components.shadow.paired import PairedOutcomes, paired_outcomes
from pipeline.database import consistent_read
from pipeline.settings import Settings
from serving_model.evaluation.metrics import METRICS


def ask_matured(
    settings: Settings, version_a: str, version_b: str, horizon_days: int
) -> MaturedOutcomes | str:
    """Compares two models on accounts that both scored and whose window has closed.

    Args:
        settings: Say where the demo's database is, if no other is named.
        version_a: The one.
        version_b: The other.
        horizon_days: Of the windows.

    Returns:
        Both on those outcomes; or why there are not enough, in words.
    """
    try:
        with consistent_read(settings, "models") as cursor:
            found = paired_outcomes(cursor, version_a, version_b, horizon_days, independent=True)
    except TensInsightError as error:
        return f"the database does not tell: {error}"
    return matured_outcomes(found, horizon_days)


def matured_outcomes(found: PairedOutcomes, horizon_days: int) -> MaturedOutcomes | str:
    """Compares two models, each account once with its newest window.

    Args:
        found: In the order of closing.
        horizon_days: Of the windows.

    Returns:
        Both on those outcomes; or why there are not enough, in words.
    """
    names, backwards = np.unique(found.accounts[::-1].astype(str), return_index=True)
    rows = len(found) - 1 - backwards  # sorted by account, so that resampling gives one interval
    labels = found.churned[rows].astype(np.float64)
    churned, stayed = int(labels.sum()), int(len(labels) - labels.sum())
    if min(churned, stayed) < FEWEST:
        return (
            f"of the accounts that both scored {churned} have left and {stayed} stayed within "
            f"{horizon_days} days so far, at least {FEWEST} of each are needed"
        )
    return MaturedOutcomes(
        horizon_days=horizon_days,
        accounts=len(names),
        churned=churned,
        first=f"{found.as_of[rows].min()}+00:00",
        last=f"{found.as_of[rows].max()}+00:00",
        metrics=metric_pairs(labels, found.p_a[rows], found.p_b[rows], tuple(METRICS.values())),
    )
