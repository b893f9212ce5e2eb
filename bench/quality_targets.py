"""What the model must reach, and whether measured figures do."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from bench.limit import LIMIT_LESS_MODEL, SHARE
from bench.quality_result import Figure, QualityResult
from bench.score_table import OURS, Score
from bench.verdict import REFERENCES, below

TRAINING_EXAMPLES = 100_000
TRAINING_SECONDS = 180
BASE_WORLD = "base world"


class Target(NamedTuple):
    """One figure of one history that must not lie on the wrong side of a value."""

    history: str
    figure: str
    at_least: bool
    value: float


TARGETS = (
    Target("online_retail", "AUC", True, 0.750),
    Target("online_retail", "log-loss", False, 0.527),
    Target("cdnow", "AUC", True, 0.806),
    Target("cdnow", "log-loss", False, 0.415),
    Target("cdnow", "calibration error", False, 0.030),
    Target(BASE_WORLD, LIMIT_LESS_MODEL, False, 0.010),
    Target(BASE_WORLD, SHARE, True, 0.900),
)


class Judged(NamedTuple):
    """A target and what became of it."""

    history: str
    figure: str
    target: str
    found: str
    reached: bool | None
    """None where it was not measured."""


def judge(results: Sequence[QualityResult]) -> list[Judged]:
    """Holds every target against the results.

    Args:
        results: Of whatever histories were measured; a target on another one is not measured.
    """
    by_name = {result.name: result for result in results}
    return [
        *(_judged(target, by_name) for target in TARGETS),
        *(one for result in results for name in REFERENCES for one in _beside(result, name)),
        _training(results),
    ]


def figure_of(result: QualityResult, name: str) -> Figure | None:
    """Returns a figure of the pipeline's model; None if it was not measured."""
    own = {one.metric: Figure(one.value, *one.interval) for one in ours(result.scores)}
    return {**own, **result.limit}.get(name)


def ours(scores: Sequence[Score]) -> list[Score]:
    """Returns the scores of the pipeline's model."""
    return [score for score in scores if score.model == OURS]


def _judged(target: Target, results: Mapping[str, QualityResult]) -> Judged:
    text = f"{'at least' if target.at_least else 'at most'} {target.value:.3f}"
    figure = (
        figure_of(results[target.history], target.figure) if target.history in results else None
    )
    if figure is None:
        return Judged(target.history, target.figure, text, "not measured", None)
    reached = figure.value >= target.value if target.at_least else figure.value <= target.value
    found = f"{figure.value:.4f} [{figure.low:.4f}, {figure.high:.4f}]"
    return Judged(target.history, target.figure, text, found, reached)


def _beside(result: QualityResult, reference: str) -> Iterator[Judged]:
    verdicts = below(result.scores, reference)
    for score in result.scores:
        if score.model != reference or score.metric not in verdicts:
            continue
        assert score.gap is not None
        assert score.gap_interval is not None
        low, high = score.gap_interval
        found = f"{score.gap:+.4f} [{low:+.4f}, {high:+.4f}]"
        reached = not verdicts[score.metric]
        figure = f"{score.metric}, ours minus that of {reference}"
        yield Judged(result.name, figure, "not below by the interval", found, reached)


def _training(results: Sequence[QualityResult]) -> Judged:
    """Of the history with the most examples, in proportion to their number.

    Fewer than TRAINING_EXAMPLES do not answer: what every training takes would be multiplied.
    """
    target = f"at most {TRAINING_SECONDS} s"
    figure = f"training time for {TRAINING_EXAMPLES:,} examples"
    largest = max(results, key=lambda result: result.training_examples, default=None)
    if largest is None:
        return Judged("-", figure, target, "not measured", None)
    took = f"{largest.training_seconds:.0f} s for {largest.training_examples:,}"
    if largest.training_examples < TRAINING_EXAMPLES:
        return Judged(largest.name, figure, target, f"too few examples: {took}", None)
    seconds = largest.training_seconds * TRAINING_EXAMPLES / largest.training_examples
    reached = seconds <= TRAINING_SECONDS
    return Judged(largest.name, figure, target, f"{seconds:.0f} s ({took})", reached)
