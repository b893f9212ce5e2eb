"""The model that scores between runs, and what has to be known of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from serving_model.served.risk_bands import RiskBands

BATCH: Final = 256
"""Examples that are asked about at once, always so many."""


@dataclass(frozen=True)
class StreamChampion:
    """The champion.

    Attributes:
        model_version: Its name.
        label_source: What it was taught as churn.
        horizon_days: Of churn_probability.
        horizons: All that it answers for, in days, rising.
        horizons_judged: Those that the gate judged; None if that is not known.
        bands: The rule of the categories, beside its base rate.
        scored: Asks it about serialized examples; returns the columns of scored_shard, in their
            order. What it says of an example must not depend on the others.
    """

    model_version: str
    label_source: str
    horizon_days: int
    horizons: tuple[int, ...]
    horizons_judged: tuple[int, ...] | None
    bands: RiskBands
    scored: Callable[[Sequence[bytes]], pa.Table]


def batches_of(examples: Sequence[bytes], size: int = BATCH) -> list[list[bytes]]:
    """Divides examples into batches of one size; the last one repeats its last example.

    TensorFlow multiplies matrices of different heights by different kernels, which may differ in a
    last bit. With batches of one size, what it says of an account does not depend on who, or how
    many, are asked about with it.
    """
    whole = [*examples, *list(examples[-1:]) * (-len(examples) % size)]
    return [whole[start : start + size] for start in range(0, len(whole), size)]
