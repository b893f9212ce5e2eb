"""The weighted rule that ranks product areas: counts of pairs in, scores 0..100 out.

A pair is one product area and one segment (customer_tier). Nothing here knows a database
or TensorFlow; the same counts give the same scores, to the last bit.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from transforms.signal_weights import SUM_TOLERANCE, SignalWeights, listed, short_hash

RECENT_DAYS: Final = 7
TOP_PRIORITY: Final = 5


@dataclass(frozen=True)
class Weights(SignalWeights):
    """How much each signal counts: numbers >= 0 whose sum is 1.

    Attributes:
        feedback_volume: Of the number of rows.
        negative_sentiment: Of the number of negative rows.
        critical_feedback: Of the number of rows of critical priority.
        p5_feedback: Of the number of rows of priority 5.
        recent_feedback: Of the number of rows in the last 7 days.
        enterprise_segment: Of the segment being an enterprise one, 0 or 1.

    Raises:
        ValueError: A weight is negative or no number, or their sum is not 1 within 1e-9.
    """

    feedback_volume: float = 0.15
    negative_sentiment: float = 0.25
    critical_feedback: float = 0.20
    p5_feedback: float = 0.15
    recent_feedback: float = 0.10
    enterprise_segment: float = 0.15

    def changed(self, mapping: Mapping[str, float]) -> "Weights":
        """Sets some weights, and scales the others in proportion so that the sum stays 1.

        Args:
            mapping: New weights, by signal; with all six of them nothing is scaled.

        Raises:
            ValueError: A signal is unknown, what is left for the others is negative or
                cannot be shared among them, or as for the class.
        """
        self.refuse_unknown(mapping)
        others = {name: value for name, value in self.as_dict().items() if name not in mapping}
        left, base = 1 - math.fsum(mapping.values()), math.fsum(others.values())
        if others and left < -SUM_TOLERANCE:
            raise ValueError(f"weights must sum to 1, but {listed(mapping)} alone exceed it")
        if others and base == 0 and abs(left) > SUM_TOLERANCE:
            raise ValueError(
                f"{listed(mapping)} leave {left:.12g} to share, but {', '.join(others)} weigh 0: "
                "name one of them too"
            )
        share = max(left, 0.0) / base if base else 0.0
        return Weights(**{**{name: value * share for name, value in others.items()}, **mapping})

    def version(self) -> str:
        """Returns the name of this set of weights: equal sets have equal names."""
        return f"weights-{short_hash(self.exact())}"


SIGNALS: Final = Weights.signals()


@dataclass(frozen=True)
class PairCounts:
    """What was counted of one pair in the window.

    Attributes:
        product_area: First part of the key.
        segment: Second part of the key, the customer_tier.
        feedback: All rows.
        negative: Rows of negative sentiment.
        positive: Rows of positive sentiment.
        critical: Rows of critical priority.
        p5: Rows of priority 5.
        recent: Rows in the last 7 days.
    """

    product_area: str
    segment: str
    feedback: int
    negative: int
    positive: int
    critical: int
    p5: int
    recent: int

    @property
    def avg_sentiment_score(self) -> float:
        """(positive - negative) / (rows + 1), between -1 and 1."""
        return (self.positive - self.negative) / (self.feedback + 1)


@dataclass(frozen=True)
class AreaImpact:
    """The score of one pair and what it is made of.

    Attributes:
        counts: What the score was computed from.
        priority_score: 0..100.
        contributions: Points of each signal; their sum is the score.
    """

    counts: PairCounts
    priority_score: float
    contributions: dict[str, float]

    def explain(self) -> str:
        """Returns the score as a sum, the largest contribution first."""
        parts = sorted(self.contributions.items(), key=lambda part: -part[1])
        total = " + ".join(f"{name} {points:.1f}" for name, points in parts)
        pair = f"{self.counts.product_area} / {self.counts.segment}"
        return f"{pair}: {self.priority_score:.1f} = {total}"


def area_impacts(
    pairs: Sequence[PairCounts], weights: Weights, enterprise_segments: Iterable[str]
) -> list[AreaImpact]:
    """Scores every pair against all others.

    Each count is min-max normalised to 0..1 across the pairs; where every pair has the
    same count, all get 0.5. The segment is 1 where it is an enterprise one, else 0.

    Args:
        pairs: All pairs of the window, each once.
        weights: Of the signals.
        enterprise_segments: Segments that count as enterprise, spelt as in the pairs.

    Returns:
        One for each pair, highest score first, then by area and segment.
    """
    enterprise = frozenset(enterprise_segments)
    levels = {
        "feedback_volume": _min_max([pair.feedback for pair in pairs]),
        "negative_sentiment": _min_max([pair.negative for pair in pairs]),
        "critical_feedback": _min_max([pair.critical for pair in pairs]),
        "p5_feedback": _min_max([pair.p5 for pair in pairs]),
        "recent_feedback": _min_max([pair.recent for pair in pairs]),
        "enterprise_segment": [float(pair.segment in enterprise) for pair in pairs],
    }
    points = {name: 100 * weight for name, weight in weights.as_dict().items()}
    impacts = []
    for place, pair in enumerate(pairs):
        contributions = {name: points[name] * levels[name][place] for name in SIGNALS}
        # Rounding, and weights that sum to a little over 1, must not exceed the column's domain.
        score = min(math.fsum(contributions.values()), 100.0)
        impacts.append(AreaImpact(pair, score, contributions))
    return sorted(impacts, key=_rank)


def _rank(impact: AreaImpact) -> tuple[float, str, str]:
    return -impact.priority_score, impact.counts.product_area, impact.counts.segment


def _min_max(counts: Sequence[int]) -> list[float]:
    if not counts:
        return []
    low, high = min(counts), max(counts)
    if low == high:
        return [0.5] * len(counts)
    return [(count - low) / (high - low) for count in counts]
