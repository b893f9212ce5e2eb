"""Properties of artifacts for tests, by the names that ML Metadata has for them."""

from typing import Any

from components.registry.input_properties import ExamplesProperties
from components.registry.published_properties import PublishedScoresProperties
from transforms.columns import OPEN_SETS

EXAMPLES: dict[str, Any] = {
    "as_of": "2026-06-01T00:00:00+00:00",
    "label_source": "account_churn",
    "duplicate_events": "collapse",
    "lookback_days": 180,
    "horizon_days": 60,
    "max_events": 500,
    "feedback_rows": 1_000,
    "rows_without_account": 0,
    "rows_in_future": 0,
    "rows_without_date": 0,
    "accounts": 9,
    "duplicate_rows": 0,
    "accounts_with_one_row": 0,
    "accounts_changed_tier": 0,
    "accounts_changed_region": 0,
    "accounts_cut": 0,
    "accounts_with_slash": 0,
    "accounts_alike": 0,
    **{f"{one.name}_{what}": 0 for one in OPEN_SETS for what in ("spellings", "spelling_rows")},
}
SCORES: dict[str, Any] = {
    "as_of": "2026-06-01T00:00:00+00:00",
    "model_version": "20260601-4b825dc6",
    "published_at": "2026-06-01T02:41:07+00:00",
    "publication_id": 1,
    "published_count": 9,
    "removed_count": 0,
    "risk_bands": "probability: ...",
    "risk_bands_mode": "probability",
}


def examples_properties(**changes: Any) -> ExamplesProperties:
    """Returns properties of Examples without a split, with others by name."""
    return ExamplesProperties.from_plain(EXAMPLES | changes)


def scores_properties(**changes: Any) -> PublishedScoresProperties:
    """Returns properties of PublishedScores, with others by name."""
    return PublishedScoresProperties.from_plain(SCORES | changes)
