"""What actions did for flagged accounts: rows of tens_insight.model_performance."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from components.feedback_example_gen.reading.copy_columns import column, integers_of
from serving_model.evaluation.performance import Estimate
from serving_model.evaluation.treatment import treatment_effect
from serving_model.served.risk import CATEGORIES

FLAGGED: Final = "flagged"
"""Stands for all bands above low together."""
TREATMENT: Final = (
    "acted_upon",
    "false_positives_acted_upon",
    "held_out",
    "held_out_acted_upon",
    "precision_untreated",
    "precision_treated",
    "saved_share",
)
"""Names of the metrics."""

Row = tuple[str, str, Estimate]
"""Band, metric and estimate."""


def treatment_rows(scores: pa.Table) -> Iterator[Row]:
    """Yields what is known of actions, by risk band above low and for all of these together.

    Args:
        scores: Columns left, held_out, acted (0 or 1) and band, of accounts with an outcome.
    """
    left, held_out, acted = (
        integers_of(column(scores, name)) == 1 for name in ("left", "held_out", "acted")
    )
    bands = column(scores, "band")
    names = bands.dictionary.to_pylist()
    codes = integers_of(bands.indices)
    chosen = {one: codes == names.index(one) for one in CATEGORIES[1:] if one in names}
    if not chosen:
        return
    chosen[FLAGGED] = np.logical_or.reduce(list(chosen.values()))
    for band, rows in chosen.items():
        if rows.any():
            yield from _band(band, left[rows], held_out[rows], acted[rows])


def _band(
    band: str,
    left: NDArray[np.bool_],
    held_out: NDArray[np.bool_],
    acted: NDArray[np.bool_],
) -> Iterator[Row]:
    yield band, "acted_upon", _count(acted)
    yield band, "false_positives_acted_upon", _count(acted & ~left)
    if not held_out.any():
        return
    effect = treatment_effect(left, held_out)
    yield band, "held_out", _count(held_out)
    yield band, "held_out_acted_upon", _count(held_out & acted)
    yield band, "precision_untreated", effect.untreated
    yield band, "precision_treated", effect.treated
    yield band, "saved_share", effect.saved


def _count(rows: NDArray[np.bool_]) -> Estimate:
    return Estimate(float(rows.sum()), np.nan, np.nan)
