"""What unchanged simulated years look like: usual changes and thresholds of each family.

`python -m bench.false_alarms --fit` measured them on worlds of their own, and prints this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

REFERENCE_RATE: Final = 1.0
"""False alarms a year, over all families, for which the thresholds below hold."""


@dataclass(frozen=True)
class Reference:
    """One family of measures in unchanged years.

    Attributes:
        change: Usual change from week to week beyond chance, on the scale of comparison.
        wild: How far the largest 2 % of the jumps of a family go, in usual changes.
        thresholds: By statistic: the threshold, and the shape of the tail beyond it: half the
            false alarms need 2**shape times the threshold.
    """

    change: float
    wild: float
    thresholds: Mapping[str, tuple[float, float]]

    def threshold(self, statistic: str) -> float:
        """Returns the threshold at REFERENCE_RATE."""
        return self.thresholds[statistic][0]

    def shape(self, statistic: str) -> float:
        """Returns the shape of the tail."""
        return self.thresholds[statistic][1]


_DEFAULT: Final = Reference(
    0.02, 2.0, {"jump": (10.0, 0.2), "stays 3": (6.0, 0.2), "stays 7": (5.0, 0.2)}
)
REFERENCES: Final[Mapping[str, Reference]] = {
    "accounts": Reference(
        0.005, 0.5, {"jump": (3.5, 0.083), "stays 3": (1.2, 0.101), "stays 7": (0.8, 0.099)}
    ),
    "age": Reference(
        0.005, 0.5, {"jump": (5.0, 0.2), "stays 3": (2.5, 0.2), "stays 7": (2.0, 0.2)}
    ),
    "area": Reference(
        0.04498, 3.02, {"jump": (12.12, 0.05), "stays 3": (5.95, 0.075), "stays 7": (1.84, 0.348)}
    ),
    "bands": Reference(
        0.005, 0.605, {"jump": (3.5, 0.397), "stays 3": (2.21, 0.259), "stays 7": (2.01, 0.219)}
    ),
    "blank": Reference(
        0.005, 0.5, {"jump": (3.5, 0.153), "stays 3": (2.5, 0.2), "stays 7": (2.0, 0.2)}
    ),
    "breaker": Reference(
        0.005, 0.5, {"jump": (5.0, 0.2), "stays 3": (2.5, 0.2), "stays 7": (2.0, 0.2)}
    ),
    "churn": Reference(
        0.005, 1.12, {"jump": (3.5, 0.174), "stays 3": (1.2, 0.757), "stays 7": (2.0, 0.2)}
    ),
    "costs": Reference(
        0.1443, 1.51, {"jump": (13.18, 0.206), "stays 3": (1.45, 0.346), "stays 7": (2.0, 0.2)}
    ),
    "coverage": Reference(
        0.005, 1.09, {"jump": (3.5, 0.083), "stays 3": (2.55, 0.129), "stays 7": (2.18, 0.083)}
    ),
    "distance": Reference(
        0.005, 1.5, {"jump": (7.49, 0.133), "stays 3": (5.55, 0.166), "stays 7": (5.2, 0.17)}
    ),
    "facts": Reference(
        0.006381, 1.72, {"jump": (8.62, 0.202), "stays 3": (3.99, 0.066), "stays 7": (3.94, 0.11)}
    ),
    "freshness": Reference(
        0.05496, 1.75, {"jump": (6.91, 0.201), "stays 3": (1.2, 0.463), "stays 7": (2.0, 0.2)}
    ),
    "groups": Reference(
        0.005, 1.62, {"jump": (5.49, 0.118), "stays 3": (4.13, 0.121), "stays 7": (3.82, 0.113)}
    ),
    "priority": Reference(
        0.03909, 1.53, {"jump": (3.5, 0.101), "stays 3": (2.3, 0.119), "stays 7": (2.74, 0.328)}
    ),
    "record": Reference(
        0.03814, 1.98, {"jump": (4.95, 0.138), "stays 3": (2.87, 0.129), "stays 7": (2.39, 0.073)}
    ),
    "region": Reference(
        0.005, 1.35, {"jump": (3.5, 0.082), "stays 3": (1.42, 0.131), "stays 7": (1.02, 0.239)}
    ),
    "rows": Reference(
        0.005, 0.5, {"jump": (3.5, 0.062), "stays 3": (1.2, 0.168), "stays 7": (0.8, 0.203)}
    ),
    "scores": Reference(
        0.01612, 1.82, {"jump": (5.87, 0.091), "stays 3": (4.07, 0.07), "stays 7": (4.03, 0.134)}
    ),
    "sentiment": Reference(
        0.007253, 1.51, {"jump": (4.05, 0.108), "stays 3": (2.61, 0.13), "stays 7": (2.55, 0.239)}
    ),
    "source": Reference(
        0.005, 1.28, {"jump": (3.5, 0.099), "stays 3": (1.21, 0.275), "stays 7": (2.0, 0.2)}
    ),
    "tier": Reference(
        0.005, 1.34, {"jump": (3.56, 0.122), "stays 3": (1.6, 0.231), "stays 7": (1.39, 0.424)}
    ),
    "topic": Reference(
        0.02017, 2.22, {"jump": (8.99, 0.066), "stays 3": (4.36, 0.063), "stays 7": (1.92, 0.301)}
    ),
    "unseen": Reference(
        0.005, 0.5, {"jump": (3.5, 0.153), "stays 3": (2.5, 0.2), "stays 7": (2.0, 0.2)}
    ),
    "volume": Reference(
        0.03798, 1.97, {"jump": (4.84, 0.114), "stays 3": (2.94, 0.14), "stays 7": (2.63, 0.118)}
    ),
}


def reference_of(family: str) -> Reference:
    """Returns the table of a family; what was not simulated gets that of the wildest."""
    return REFERENCES.get(family, _DEFAULT)
