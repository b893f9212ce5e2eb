"""What is known of a run once its accounts are scored, before they are published."""

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa


@dataclass(frozen=True)
class ScoredRun:
    """A run whose shards of scores are written.

    Attributes:
        as_of: The moment that the scores speak of, UTC.
        examples: Folder of the split `score`.
        example_count: How many examples it has.
        scores: Folder of the shards.
        model_version: Of the champion.
        horizon_days: Of churn_probability.
        bands: Risk band of each account, Arrow strings [n], in the order of the shards.
    """

    as_of: datetime
    examples: str
    example_count: int
    scores: str
    model_version: str
    horizon_days: int
    bands: pa.Array
