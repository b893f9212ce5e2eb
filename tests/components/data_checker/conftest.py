"""Statistics that TFDV computes of examples in memory, and the thresholds of the tests."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tensorflow_data_validation.statistics.stats_impl import generate_statistics_in_memory

from components.data_checker.config import DataCheckerConfig
from components.data_checker.statistics import Statistics
from transforms import event_spec
from transforms.columns import PRIORITY, PRODUCT_AREA, SENTIMENT, SOURCE, TOPIC

LIMITS = DataCheckerConfig(
    min_accounts=100,
    min_churned=10,
    max_feedback_age_days=14,
    min_drift_accounts=50,
    max_unseen_share=0.05,
    max_missing_share=0.05,
    max_vanished_share=0.01,
    max_accounts_change=0.2,
    min_week_share=0.5,
)

Values = list[list[Any]]


def examples(count: int, seed: int = 0, **columns: Values) -> pa.RecordBatch:
    """Draws examples of accounts whose numbers and words have one distribution.

    Args:
        count: How many accounts, one snapshot each.
        seed: Of all that is drawn.
        **columns: In place of what is drawn: for each snapshot the list of its values.
    """
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(rng.poisson(8, count))])

    def lists(values: Any, ends: Any) -> pa.ListArray:
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(values))

    def words(*choices: str, ends: Any) -> pa.ListArray:
        drawn = rng.choice([choice.encode() for choice in choices], ends[-1])
        return lists(drawn.tolist(), ends)

    each, events = np.arange(count + 1), offsets[-1]
    drawn = {
        event_spec.ACCOUNT_ID: lists([b"ACC-%d" % number for number in range(count)], each),
        event_spec.CUSTOMER_TIER: words("free", "pro", ends=each),
        event_spec.REGION: words("NA", "EU", "APAC", ends=each),
        event_spec.CUTOFF: lists(np.full(count, 1_700_000_000), each),
        event_spec.EVENT_AGE_DAYS: lists(rng.uniform(0, 180, events).astype("f4"), offsets),
        PRIORITY.feature: lists(rng.integers(1, 6, events), offsets),
        SENTIMENT.feature: words("negative", "neutral", "positive", ends=offsets),
        PRODUCT_AREA.feature: words("billing", "security", "ui_ux", ends=offsets),
        SOURCE.feature: words("email", "chat", "zendesk", ends=offsets),
        TOPIC.feature: words("invoice", "login", "layout", "export", ends=offsets),
    }
    for name in event_spec.SCALAR_FLOATS:
        drawn[name] = lists(rng.gamma(2, 20, count).astype("f4"), each)
    changed = {name: pa.array(values) for name, values in columns.items()}
    return pa.RecordBatch.from_pydict(drawn | changed)


@pytest.fixture(scope="session")
def limits() -> Callable[..., DataCheckerConfig]:
    """Makes the thresholds of the tests, some of them changed."""
    return lambda **changes: replace(LIMITS, **changes)


@pytest.fixture(scope="session")
def statistics_of() -> Callable[..., Statistics]:
    """Computes TFDV's statistics of drawn examples."""
    return lambda count, **changes: generate_statistics_in_memory(examples(count, **changes))
