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
    0.02,
    2.0,
    {"jump": (10.0, 0.2), "stays 3": (6.0, 0.2), "stays 7": (5.0, 0.2), "month": (6.0, 0.2)},
)
REFERENCES: Final[Mapping[str, Reference]] = {
    "accounts": Reference(
        0.005,
        0.5,
        {
            "jump": (5.0, 0.098),
            "stays 3": (2.5, 0.109),
            "stays 7": (2.0, 0.108),
            "month": (2.0, 0.127),
        },
    ),
    "age": Reference(
        0.005,
        0.5,
        {"jump": (5.0, 0.2), "stays 3": (2.5, 0.2), "stays 7": (2.0, 0.2), "month": (2.0, 0.2)},
    ),
    "area": Reference(
        0.04398,
        3.12,
        {
            "jump": (11.99, 0.05),
            "stays 3": (6.64, 0.101),
            "stays 7": (2.14, 0.491),
            "month": (7.19, 0.087),
        },
    ),
    "bands": Reference(
        0.005,
        0.606,
        {
            "jump": (3.54, 0.267),
            "stays 3": (1.57, 0.15),
            "stays 7": (1.36, 0.114),
            "month": (2.27, 0.143),
        },
    ),
    "blank": Reference(
        0.005,
        0.5,
        {"jump": (5.0, 0.156), "stays 3": (2.5, 0.2), "stays 7": (2.0, 0.2), "month": (2.0, 0.127)},
    ),
    "breaker": Reference(
        0.005,
        0.5,
        {"jump": (5.0, 0.2), "stays 3": (2.5, 0.2), "stays 7": (2.0, 0.2), "month": (2.0, 0.2)},
    ),
    "churn": Reference(
        0.005,
        1.25,
        {"jump": (3.5, 0.206), "stays 3": (0.8, 0.6), "stays 7": (0.4, 0.2), "month": (1.3, 0.304)},
    ),
    "costs": Reference(
        0.1376,
        1.51,
        {
            "jump": (16.71, 0.184),
            "stays 3": (1.77, 0.26),
            "stays 7": (0.96, 0.2),
            "month": (5.1, 0.214),
        },
    ),
    "coverage": Reference(
        0.005,
        1.08,
        {
            "jump": (3.5, 0.09),
            "stays 3": (2.47, 0.089),
            "stays 7": (2.39, 0.106),
            "month": (4.47, 0.098),
        },
    ),
    "distance": Reference(
        0.005,
        1.55,
        {
            "jump": (11.02, 0.175),
            "stays 3": (7.33, 0.167),
            "stays 7": (6.01, 0.139),
            "month": (12.63, 0.168),
        },
    ),
    "facts": Reference(
        0.006323,
        1.7,
        {
            "jump": (11.02, 0.207),
            "stays 3": (5.38, 0.141),
            "stays 7": (5.1, 0.155),
            "month": (6.78, 0.08),
        },
    ),
    "freshness": Reference(
        0.05027,
        1.78,
        {
            "jump": (7.71, 0.125),
            "stays 3": (2.25, 0.453),
            "stays 7": (0.4, 0.2),
            "month": (2.55, 0.175),
        },
    ),
    "groups": Reference(
        0.005,
        1.64,
        {
            "jump": (6.85, 0.128),
            "stays 3": (5.15, 0.14),
            "stays 7": (4.58, 0.135),
            "month": (7.19, 0.079),
        },
    ),
    "priority": Reference(
        0.03917,
        1.54,
        {
            "jump": (4.39, 0.127),
            "stays 3": (2.47, 0.119),
            "stays 7": (3.29, 0.262),
            "month": (4.83, 0.159),
        },
    ),
    "record": Reference(
        0.0362,
        2.19,
        {
            "jump": (5.93, 0.116),
            "stays 3": (3.46, 0.107),
            "stays 7": (3.2, 0.102),
            "month": (4.84, 0.07),
        },
    ),
    "region": Reference(
        0.005,
        1.36,
        {
            "jump": (3.73, 0.078),
            "stays 3": (2.2, 0.207),
            "stays 7": (1.82, 0.327),
            "month": (3.01, 0.149),
        },
    ),
    "rows": Reference(
        0.005,
        0.5,
        {
            "jump": (5.0, 0.101),
            "stays 3": (2.5, 0.175),
            "stays 7": (2.0, 0.239),
            "month": (2.0, 0.195),
        },
    ),
    "scores": Reference(
        0.01606,
        1.78,
        {
            "jump": (6.6, 0.141),
            "stays 3": (5.08, 0.167),
            "stays 7": (4.45, 0.179),
            "month": (6.14, 0.11),
        },
    ),
    "sentiment": Reference(
        0.007327,
        1.53,
        {
            "jump": (3.73, 0.132),
            "stays 3": (2.19, 0.179),
            "stays 7": (1.88, 0.211),
            "month": (3.64, 0.14),
        },
    ),
    "source": Reference(
        0.005,
        1.28,
        {
            "jump": (3.67, 0.093),
            "stays 3": (1.58, 0.252),
            "stays 7": (1.06, 0.2),
            "month": (1.91, 0.142),
        },
    ),
    "tier": Reference(
        0.005,
        1.33,
        {
            "jump": (4.07, 0.107),
            "stays 3": (1.71, 0.16),
            "stays 7": (2.42, 0.385),
            "month": (2.55, 0.103),
        },
    ),
    "topic": Reference(
        0.01967,
        2.29,
        {
            "jump": (9.88, 0.063),
            "stays 3": (5.88, 0.087),
            "stays 7": (4.86, 0.411),
            "month": (6.88, 0.102),
        },
    ),
    "unseen": Reference(
        0.005,
        0.5,
        {"jump": (5.0, 0.156), "stays 3": (2.5, 0.2), "stays 7": (2.0, 0.2), "month": (2.0, 0.127)},
    ),
    "volume": Reference(
        0.03712,
        2.12,
        {
            "jump": (5.35, 0.146),
            "stays 3": (3.02, 0.112),
            "stays 7": (2.74, 0.086),
            "month": (4.51, 0.088),
        },
    ),
}


def reference_of(family: str) -> Reference:
    """Returns the table of a family; what was not simulated gets that of the wildest."""
    return REFERENCES.get(family, _DEFAULT)
