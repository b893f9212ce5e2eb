"""Asks the champion and the models beside it about the same examples."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import tensorflow as tf

from components.account_scorer.beside import (
    Beside,
    LoadedShadow,
    SecondModelBroken,
    Shadow,
    divided,
    shadows_text,
)
from components.shadow.record import OTHER_HALF
from serving_model.served.predict import ModelScorer

SHADOWS_KEY: Final = "shadows"
"""In the metadata of a shard: JSON list of the models in shadow, in the order of their columns."""
Columns = Callable[[], dict[str, Any]]
"""Builds the columns of rows that a model was asked about."""
Ask = Callable[[ModelScorer, list[tf.Tensor]], Columns]


def shadow_column(place: int) -> str:
    """Returns the name of the column of a model in shadow, by its place from 0."""
    return f"shadow_{place}"


class Asked:
    """What is asked of one shard.

    Args:
        scorer: Of the champion.
        beside: The models beside it.
        ask: Asks a model whose answers are published.
    """

    def __init__(self, scorer: ModelScorer, beside: Beside, ask: Ask):
        self._scorer, self._ask, self._split = scorer, ask, beside.split
        self._version = str(scorer.card.get("model_version", ""))
        self._shadows = [LoadedShadow(one) for one in beside.shadows]
        self._second: ModelScorer | None = None
        if beside.split is not None:
            self._second = _loaded(beside.second_uri)
            half = Shadow("", OTHER_HALF, "", scorer.horizons, int(scorer.card["horizon_days"]))
            self._shadows.insert(0, LoadedShadow(half))

    def about(self, batches: list[tf.Tensor]) -> Iterator[tuple[Columns, str]]:
        """Asks about some batches; yields what builds the columns, and whose answers they are.

        Raises:
            SecondModelBroken: The second model of a split cannot be asked.
        """
        if self._split is None or self._second is None:
            yield self._ask(self._scorer, batches), self._version
            for one in self._shadows:
                one.ask(batches)
            return
        first, second = divided(batches, self._split)
        yield self._ask(self._scorer, first), self._version
        yield _guarded(self._ask, self._second, second), self._split.b
        other_half, *shadows = self._shadows
        other_half.ask(first, self._second)
        other_half.ask(second, self._scorer)
        for one in shadows:
            one.ask([*first, *second])

    def shadow_columns(self, rows: int) -> dict[str, pa.Array]:
        """Returns the probabilities of the models in shadow, lists of numbers of 32 bits.

        Args:
            rows: How many rows the shard has. A model that failed has nulls.
        """
        return {shadow_column(place): _lists(one, rows) for place, one in enumerate(self._shadows)}

    def shadows_text(self) -> str:
        """Returns what the metadata of the shard say of the models in shadow."""
        return shadows_text(self._shadows)


def _loaded(uri: str) -> ModelScorer:
    try:
        return ModelScorer(uri)
    except Exception as error:  # whatever its files hold
        raise SecondModelBroken(str(error)) from error


def _guarded(ask: Ask, scorer: ModelScorer, batches: list[tf.Tensor]) -> Columns:
    """Asks the second model of a split; whatever is wrong with it ends the split for this run."""
    try:
        columns_of = ask(scorer, batches)
    except Exception as error:  # whatever its graph does
        raise SecondModelBroken(str(error)) from error

    def columns() -> dict[str, Any]:
        try:
            return columns_of()
        except ValueError as error:
            raise SecondModelBroken(str(error)) from error

    return columns


def _lists(shadow: LoadedShadow, rows: int) -> pa.Array:
    if shadow.problem:
        return pa.nulls(rows, pa.list_(pa.float32()))
    width = len(shadow.shadow.horizons)
    found = np.concatenate([np.empty([0, width]), *shadow.parts])
    starts = pa.array(np.arange(rows + 1) * width, pa.int32())
    return pa.ListArray.from_arrays(starts, pa.array(found.astype(np.float32).ravel()))
