"""Which moments a run looks at: point-in-time cutoffs and their splits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from components.errors import DataGateStopped
from components.feedback_example_gen.churn_rhythm import ALL_KNOWN, FIRST_MOMENT, KnownChurn
from components.feedback_example_gen.config import FeedbackExampleGenConfig

TRAIN: Final = "train"
EVAL: Final = "eval"
SCORE: Final = "score"
SPLITS: Final = (TRAIN, EVAL, SCORE)
_SHORTEST_HORIZON_DAYS: Final = 7


@dataclass(frozen=True)
class CutoffPlan:
    """The cutoffs of each split, UTC, oldest first.

    Attributes:
        train: To learn from.
        eval: To evaluate on.
        score: To be scored.
        evaluation: The evaluation cutoff, asked for or not; None where nothing has a label.
        as_of: The run's now; None as well.
        churn: When the ground truth knows who left.
    """

    train: tuple[datetime, ...] = ()
    eval: tuple[datetime, ...] = ()
    score: tuple[datetime, ...] = ()
    evaluation: datetime | None = None
    as_of: datetime | None = None
    churn: KnownChurn = ALL_KNOWN

    def __iter__(self) -> Iterator[tuple[str, datetime]]:
        """Yields (split, cutoff)."""
        for split in SPLITS:
            for cutoff in getattr(self, split):
                yield split, cutoff

    def known_until(self, split: str, cutoff: datetime) -> datetime | None:
        """Returns the moment from which on the labels at a cutoff know nothing, UTC.

        What is learnt from was known at the evaluation cutoff, and so it
        tells what a model of that day would have known. The ground truth may end before
        that. None for `score`: no labels.
        """
        latest = {TRAIN: self.evaluation, EVAL: self.as_of}.get(split)
        return None if latest is None else self.churn.known_from(cutoff, latest)


def plan_cutoffs(
    as_of: datetime,
    first: datetime,
    windows: FeedbackExampleGenConfig,
    splits: Sequence[str],
    churn: KnownChurn = ALL_KNOWN,
) -> CutoffPlan:
    """Divides the history before as_of into closed label windows.

    `eval` is the newest cutoff whose label window is closed at as_of. Training
    cutoffs go back from the newest one whose window closes on or before it, as far
    as a whole lookback of history lies before them. `score` is as_of itself. Where
    the windows name cutoffs, those are taken, and must be closed in the same way; they
    need some history before them, but no whole lookback. No label window lies where the
    ground truth does not know who left: there everybody would seem to have stayed.

    Args:
        as_of: The run's now, UTC.
        first: created_at of the oldest feedback with an account, UTC.
        windows: Lookback, horizon and interval in days, or cutoffs by name.
        splits: Which of `train`, `eval` and `score` are wanted.
        churn: When the ground truth knows who left.

    Raises:
        DataGateStopped: The history, or what is known of churn, is too short for a single
            training cutoff, or a cutoff that was named lies before it or has a window that is
            not closed or not known.
    """
    if set(splits) <= {SCORE}:
        return CutoffPlan(score=(as_of,))
    horizon = timedelta(days=windows.horizon_days)
    evaluation = windows.eval_cutoff or _newest_known(as_of - horizon, horizon, churn)
    named = tuple(sorted(set(windows.training_cutoffs)))
    train = named or _regular(evaluation, first, windows, churn)
    if not train:
        raise DataGateStopped(_too_short(as_of, first, windows, churn))
    _refuse_open(evaluation, as_of, first, windows, churn, "TENS_INSIGHT_EVAL_CUTOFF")
    for cutoff in train:
        _refuse_open(cutoff, evaluation, first, windows, churn, "TENS_INSIGHT_TRAINING_CUTOFFS")
    plan = {TRAIN: train, EVAL: (evaluation,), SCORE: (as_of,)}
    asked = {split: plan[split] for split in splits}
    return CutoffPlan(**asked, evaluation=evaluation, as_of=as_of, churn=churn)


def _newest_known(newest: datetime, horizon: timedelta, churn: KnownChurn) -> datetime:
    """Returns the newest cutoff, at most `newest`, of which the whole label is known."""
    while hidden := churn.hidden_in(newest, newest + horizon):
        begin, _ = hidden
        if begin - FIRST_MOMENT <= horizon:
            break
        newest = begin - horizon
    return newest


def _regular(
    evaluation: datetime, first: datetime, windows: FeedbackExampleGenConfig, churn: KnownChurn
) -> tuple[datetime, ...]:
    """Training cutoffs at a fixed interval, oldest first, those of unknown labels left out."""
    horizon = timedelta(days=windows.horizon_days)
    oldest = first + timedelta(days=windows.lookback_days)
    interval = timedelta(days=windows.cutoff_interval_days)
    cutoffs: list[datetime] = []
    cutoff = evaluation - horizon
    while cutoff >= oldest and len(cutoffs) < windows.max_training_cutoffs:
        if churn.hidden_in(cutoff, cutoff + horizon) is None:
            cutoffs.append(cutoff)
        cutoff -= interval
    return tuple(reversed(cutoffs))


def _refuse_open(
    cutoff: datetime,
    known_at: datetime,
    first: datetime,
    windows: FeedbackExampleGenConfig,
    churn: KnownChurn,
    setting: str,
) -> None:
    """Refuses a cutoff without any history, or whose labels were not known by a moment."""
    closes = cutoff + timedelta(days=windows.horizon_days)
    if cutoff <= first:
        problem = f"has no history: the oldest feedback is of {first:%Y-%m-%d %H:%M}"
    elif closes > known_at:
        problem = (
            f"has a label window of {windows.horizon_days} days, until {closes:%Y-%m-%d %H:%M}, "
            f"but its labels are needed by {known_at:%Y-%m-%d %H:%M}"
        )
    elif hidden := churn.hidden_in(cutoff, closes):
        problem = (
            f"has a label window until {closes:%Y-%m-%d %H:%M}, but {windows.churn_table} does not "
            f"know who left {_interval(hidden)}: everybody would seem to have stayed"
        )
    else:
        return
    raise DataGateStopped(
        f"The cutoff {cutoff:%Y-%m-%d %H:%M} UTC {problem}. Correct {setting}, or leave it empty "
        "for regular cutoffs; training labels must be known at the evaluation cutoff, and its own "
        "at as_of."
    )


def _interval(hidden: tuple[datetime, datetime]) -> str:
    begin, end = hidden
    since = f"from {begin:%Y-%m-%d %H:%M} " if begin > FIRST_MOMENT else ""
    return f"{since}until {end:%Y-%m-%d %H:%M}"


def _too_short(
    as_of: datetime, first: datetime, windows: FeedbackExampleGenConfig, churn: KnownChurn
) -> str:
    if churn.unknown and _regular(
        as_of - timedelta(days=windows.horizon_days), first, windows, ALL_KNOWN
    ):
        return (
            f"Too little is known of churn: {windows.churn_table} does not know who left "
            f"{' and '.join(map(_interval, churn.unknown))}, and no label window of "
            f"{windows.horizon_days} days for training and another for evaluation fit between "
            "the oldest feedback with a whole lookback and as_of. Let its export complete it."
        )
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
