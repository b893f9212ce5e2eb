"""What is known of a run once its accounts are scored, before they are published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


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
        bands: Risk band of each account, [n], in the order of the shards.
    """

    as_of: datetime
    examples: str
    example_count: int
    scores: str
    model_version: str
    horizon_days: int
    bands: Sequence[str]
