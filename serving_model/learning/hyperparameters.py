"""What the tuner may change, and how far: the one table of hyperparameters."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Range:
    """Numbers between two ends, both included.

    Attributes:
        low: The smallest.
        high: The largest.
        log: Whether equal ratios, not equal differences, are equally far apart.
        whole: Whether only whole numbers count.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def holds(self, value: Any) -> bool:
        """Returns whether a value is one of them."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high and (not self.whole or value == int(value))

    def __str__(self) -> str:
        """Names the ends."""
        scale = ", on a log scale" if self.log else ""
        return f"{self.low:g} to {self.high:g}{scale}"


@dataclass(frozen=True)
class Choice:
    """A few values, in no order; lists of numbers."""

    values: tuple[tuple[int, ...], ...]

    def holds(self, value: Any) -> bool:
        """Returns whether a value is one of them."""
        return isinstance(value, list | tuple) and tuple(value) in self.values

    def __str__(self) -> str:
        """Names the values."""
        return " or ".join(json.dumps(value) for value in self.values)


HYPERPARAMETERS: Final[Mapping[str, Range | Choice]] = {
    "learning_rate": Range(5e-4, 1e-2, log=True),
    "epochs": Range(4, 32, log=True, whole=True),
    "l2": Range(2e-4, 0.05, log=True),
    "dropout": Range(0.2, 0.7),
    "hidden_units": Choice(((), (16,), (32,), (32, 16), (64,))),
}
"""By the names that settings and the trainer use. `members` is none of them: more members are
never worse on average, and cost time."""


def misfit(values: Mapping[str, Any]) -> str:
    """Says why values that a tuner found do not fit the table; empty where they do.

    Args:
        values: By name, as JSON has them. One that is missing fits: it was not tuned.
    """
    for name, value in values.items():
        if name not in HYPERPARAMETERS:
            return f"there is no {name}; there are {', '.join(HYPERPARAMETERS)}"
        if not HYPERPARAMETERS[name].holds(value):
            return f"{name} is {json.dumps(value)}, expected {HYPERPARAMETERS[name]}"
    return ""
