"""A model taken apart where the columns of its features have not met yet.

Up to there each column adds to some sums by itself, so that what it adds along a path is known
without a gradient. What follows is smooth, and as small as the sums are few. What goes in steps
says itself which columns lead to them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from transforms.arrays import Floats32


@dataclass(frozen=True)
class Encoded:
    """P values, each of one column, and the H neighbouring sums that they add to.

    Value p of features x is clip((x[column] - lower) / width, least, most); constant terms of
    the sums are left out. Shapes are [P], of the weights [P, H].
    """

    column: NDArray[np.int32]
    lower: Floats32
    width: Floats32
    least: Floats32
    most: Floats32
    weights: Floats32
    first: int
    """Place of the first of the H among all sums."""


@dataclass(frozen=True)
class Steps:
    """A part of the model that is constant between steps, such as trees: L leaves in all.

    Attributes:
        leaves: From features [n, columns] to the leaves that they fall into, 0 or 1, [n, L].
        added: float32 [L, columns], what a leaf adds to the log-odds of each hazard, divided among
            the columns that lead to it.
    """

    leaves: Callable[[tf.Tensor], tf.Tensor]
    added: Floats32


@dataclass(frozen=True)
class OpenedModel:
    """The log-odds of the hazard in each of K periods: features x straight + head(sums) + steps.

    Attributes:
        straight: float32 [columns, K].
        constant: float32 [K], added to the log-odds.
        encoded: What the sums are made of, one after the other along their last axis; empty
            for a linear model.
        sums: From features [n, columns] to the sums [n, H], with their constant terms.
        head: From the sums [n, H] to log-odds [n, K], smooth.
        steps: What is left of the model, which has no slope; None for none.
    """

    straight: Floats32
    constant: Floats32
    encoded: tuple[Encoded, ...] = ()
    sums: Callable[[tf.Tensor], tf.Tensor] | None = None
    head: Callable[[tf.Tensor], tf.Tensor] | None = None
    steps: Steps | None = None


class OpenableModel(keras.Model):
    """A Keras model that can be taken apart.

    Args:
        inputs: `features`, [batch, columns].
        outputs: Probabilities by horizon, [batch, K].
        opened: Its parts.
    """

    def __init__(
        self, inputs: keras.KerasTensor, outputs: keras.KerasTensor, opened: OpenedModel
    ) -> None:
        super().__init__(inputs, outputs)
        self._opened = opened

    @property
    def opened(self) -> OpenedModel:
        """The parts."""
        return self._opened
