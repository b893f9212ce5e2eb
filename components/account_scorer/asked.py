"""Asks the champion and the models beside it about the same examples."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import tensorflow as tf

from components.account_scorer.beside import Beside, SecondModelBroken, Shadow, told
from components.contributions.shard_rows import float_lists
from components.publishing.split import Split
from components.shadow.record import OTHER_HALF
from serving_model.served.predict import ModelScorer
from transforms.arrays import Floats
from transforms.event_spec import ACCOUNT_ID

SHADOWS_KEY: Final = "shadows"
"""In the metadata of a shard: JSON list of the models in shadow, in the order of their columns."""
SHADOW_COLUMN: Final = "shadow_"
"""Begins the names of their columns."""
Columns = Callable[[], dict[str, Any]]
"""Builds the columns of rows that a model was asked about."""
Ask = Callable[[ModelScorer, list[tf.Tensor]], Columns]


def shadow_column(place: int) -> str:
    """Returns the name of the column of a model in shadow, by its place from 0."""
    return f"{SHADOW_COLUMN}{place}"


@dataclass
class _LoadedShadow:
    """A model in shadow while one shard is scored.

    Attributes:
        shadow: The model.
        parts: Its answers, [rows, horizons] each.
        problem: Why it is asked no more; empty while it is.
    """

    shadow: Shadow
    parts: list[Floats] = field(default_factory=list)
    problem: str = ""
    scorer: ModelScorer | None = None

    def ask(self, batches: list[tf.Tensor], scorer: ModelScorer | None = None) -> None:
        """Asks about more rows; what goes wrong is noted, and never raised.

        Args:
            batches: Serialized examples.
            scorer: Another model that is asked in its place.
        """
        if self.problem:
            return
        try:
            if scorer is None and self.scorer is None:
                self.scorer = ModelScorer(self.shadow.uri)
            asked = scorer or self.scorer
            assert asked is not None
            found = asked.score_batches(batches).horizon_probabilities
            if problem := _problem_of(found, len(self.shadow.horizons)):
                self.problem = problem
            else:
                self.parts.append(found)
        except Exception as error:  # whatever its graph does: the champion's scores are published
            self.problem = told(error)

    def described(self) -> dict[str, Any]:
        """Returns what a shard says of it."""
        one = self.shadow
        return {  # of the other half of a split no version: it is the one that was not published
            "version": one.version,
            "role": one.role,
            "horizons": list(one.horizons),
            "horizon_days": one.horizon_days,
            "problem": self.problem,
        }


def _problem_of(found: Floats, horizons: int) -> str:
    if found.ndim != 2 or found.shape[1] != horizons:
        return f"it answers with a shape of {found.shape}, expected {horizons} horizons"
    wrong = ~((found >= 0) & (found <= 1)).all(axis=1)
    if wrong.any():
        return f"{int(wrong.sum())} of {len(found)} answers are no probabilities"
    return ""


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
        self._shadows = [_LoadedShadow(one) for one in beside.shadows]
        self._second: ModelScorer | None = None
        if beside.split is not None:
            self._second = _loaded(beside.second_uri)
            half = Shadow("", OTHER_HALF, "", scorer.horizons, int(scorer.card["horizon_days"]))
            self._shadows.insert(0, _LoadedShadow(half))

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
        first, second = _divided(batches, self._split)
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
        return json.dumps([one.described() for one in self._shadows])


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


def _lists(shadow: _LoadedShadow, rows: int) -> pa.Array:
    if shadow.problem:
        return pa.nulls(rows, pa.list_(pa.float32()))
    width = len(shadow.shadow.horizons)
    found = np.concatenate([np.empty([0, width]), *shadow.parts])
    return float_lists(found)


def _divided(batches: list[tf.Tensor], split: Split) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Divides serialized examples by the account: those of the first model, those of the second."""
    spec = {ACCOUNT_ID: tf.io.FixedLenFeature([], tf.string)}
    first: list[tf.Tensor] = []
    second: list[tf.Tensor] = []
    for batch in batches:
        ids = tf.io.parse_example(batch, spec)[ACCOUNT_ID].numpy()
        is_second = np.array([split.is_second(one.decode("utf-8")) for one in ids], dtype=bool)
        for rows, part in ((~is_second, first), (is_second, second)):
            if rows.any():
                part.append(tf.boolean_mask(batch, rows))
    return first, second
