"""Which moments a run looks at: point-in-time cutoffs and their splits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from components.errors import DataGateStopped

TRAIN: Final = "train"
EVAL: Final = "eval"
SCORE: Final = "score"
SPLITS: Final = (TRAIN, EVAL, SCORE)
_SHORTEST_HORIZON_DAYS: Final = 7


@dataclass(frozen=True)
class Windows:
    """The lengths that define snapshots, in days, and how many cutoffs to train on."""

    lookback_days: int
    horizon_days: int
    cutoff_interval_days: int
    max_training_cutoffs: int

    @property
    def days_needed(self) -> int:
        """Days of history for one training cutoff: a lookback and two closed horizons."""
        return self.lookback_days + 2 * self.horizon_days


@dataclass(frozen=True)
class CutoffPlan:
    """The cutoffs of each split, UTC, oldest first."""

    train: tuple[datetime, ...] = ()
    eval: tuple[datetime, ...] = ()
    score: tuple[datetime, ...] = ()

    def __iter__(self) -> Iterator[tuple[str, datetime]]:
        """Yields (split, cutoff)."""
        for split in SPLITS:
            for cutoff in getattr(self, split):
                yield split, cutoff


def plan_cutoffs(
    as_of: datetime, first: datetime, windows: Windows, splits: Sequence[str]
) -> CutoffPlan:
    """Divides the history before as_of into closed label windows.

    `eval` is the newest cutoff whose label window is closed at as_of. Training
    cutoffs go back from the newest one whose window closes on or before it, as far
    as a whole lookback of history lies before them. `score` is as_of itself.

    Args:
        as_of: The run's now, UTC.
        first: created_at of the oldest feedback with an account, UTC.
        windows: Lookback, horizon and interval in days.
        splits: Which of `train`, `eval` and `score` are wanted.

    Raises:
        DataGateStopped: The history is too short for a single training cutoff.
    """
    if set(splits) <= {SCORE}:
        return CutoffPlan(score=(as_of,))
    evaluation = as_of - timedelta(days=windows.horizon_days)
    newest = evaluation - timedelta(days=windows.horizon_days)
    oldest = first + timedelta(days=windows.lookback_days)
    interval = timedelta(days=windows.cutoff_interval_days)
    train = [newest - k * interval for k in range(windows.max_training_cutoffs)]
    train = [cutoff for cutoff in train if cutoff >= oldest]
    if not train:
        raise DataGateStopped(_too_short(as_of, first, windows))
    plan = {TRAIN: tuple(reversed(train)), EVAL: (evaluation,), SCORE: (as_of,)}
    return CutoffPlan(**{split: plan[split] for split in splits})


def _too_short(as_of: datetime, first: datetime, windows: Windows) -> str:
    days = (as_of - first).days
    message = (
        f"The history in feedback_enriched is too short: it has {days} days "
        f"({first:%Y-%m-%d} to {as_of:%Y-%m-%d}), and {windows.days_needed} are needed: "
        f"a lookback of {windows.lookback_days} days and two closed horizons of "
        f"{windows.horizon_days} days."
    )
    horizon = min(windows.horizon_days, days // 5)
    if horizon < min(windows.horizon_days, _SHORTEST_HORIZON_DAYS):
        return f"{message} No sensible setting fits; collect feedback for longer."
    lookback = min(windows.lookback_days, days - 2 * horizon)
    return (
        f"{message} Wait, or set TENS_INSIGHT_LOOKBACK_DAYS={lookback} and "
        f"TENS_INSIGHT_HORIZON_DAYS={horizon}, which would fit."
    )
