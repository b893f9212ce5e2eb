"""Two models on the outcomes that are known by now."""

from collections.abc import Callable

import numpy as np

from components.errors import TensInsightError
from components.model_review.sections.compared import FEWEST, MaturedOutcomes, metric_pairs
from components.registry.model_properties import ModelProperties
from components.shadow.paired import PairedOutcomes, paired_outcomes
from pipeline.database import consistent_read
from pipeline.settings import Settings
from serving_model.evaluation.metrics import METRICS

AskMatured = Callable[[str, str, int], MaturedOutcomes | str]
"""Asks for the outcomes of two versions within a horizon; a text says why they are not enough."""


def matured_of(
    a: ModelProperties, b: ModelProperties, ask: AskMatured | None
) -> tuple[MaturedOutcomes | None, str]:
    """Compares two models on outcomes, where both speak of one horizon.

    Args:
        a: The one.
        b: The other.
        ask: Asks for outcomes; None asks for none.

    Returns:
        Both on outcomes, or None and why not; nothing of either where they were not asked for.
    """
    if ask is None or a.horizon_days is None:
        return None, ""
    if a.horizon_days != b.horizon_days:
        days = f"{a.horizon_days} and {b.horizon_days} days"
        return None, f"they speak of {days}, and no window is of both"
    found = ask(a.model_version or "", b.model_version or "", a.horizon_days)
    return (None, found) if isinstance(found, str) else (found, "")


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
