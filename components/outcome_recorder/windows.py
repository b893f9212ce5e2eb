"""Which windows are over, and whether the ground truth says what became of their accounts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from components.feedback_example_gen.churn_rhythm import KnownChurn
from components.feedback_example_gen.request import ACCOUNT_CHURN
from components.registry.input_properties import CHURN, ExamplesProperties

DATES_MISSING: Final = "churn dates missing"
SOURCE_CHANGED: Final = "label source changed"
HISTORY_LOST: Final = "history lost"


@dataclass(frozen=True)
class Truth:
    """What a run knows of who left.

    Attributes:
        as_of: The run's now, UTC.
        label_source: account_churn or inactivity.
        known: When the table of churn dates knows who left; None where it holds no date at all.
    """

    as_of: datetime
    label_source: str
    known: KnownChurn | None


@dataclass(frozen=True)
class ClosedWindow:
    """A publication and one of its horizons, that is over.

    Attributes:
        publication_id: In the log of publications.
        horizon_days: Days.
        as_of: Of the publication: begin of the window, UTC.
        closes_at: Its end, UTC.
        label_source: What the model of the publication was taught as churn.
        has_history: Whether the scores are kept, all of them.
        not_known: Why nothing is known of it; None where it was not measured yet or is known.
    """

    publication_id: int
    horizon_days: int
    as_of: datetime
    closes_at: datetime
    label_source: str
    has_history: bool
    not_known: str | None


@dataclass(frozen=True)
class Due:
    """The windows that a run measures.

    Attributes:
        windows: With the reason for those of which nothing is known.
        waiting: How many are over, but not as far as the ground truth is known.
    """

    windows: Sequence[ClosedWindow]
    waiting: int


def truth_of(data: ExamplesProperties) -> Truth:
    """Reads what the run found out about the ground truth, in its database snapshot.

    Args:
        data: Properties of its Examples.
    """
    as_of = datetime.fromisoformat(data.as_of)
    if data.label_source != ACCOUNT_CHURN:
        return Truth(as_of, data.label_source, KnownChurn())
    churn = data.truth.get(CHURN)
    if churn is None or churn.newest is None:
        return Truth(as_of, data.label_source, None)
    unknown = tuple(
        (datetime.fromisoformat(begin), datetime.fromisoformat(end))
        for begin, end in churn.unknown or ()
    )
    return Truth(as_of, data.label_source, KnownChurn(unknown))


def due_windows(closed: Iterable[ClosedWindow], truth: Truth) -> Due:
    """Decides which windows are measured now.

    A window waits while the table of churn dates may only be late: nobody is said to have stayed
    before it can be known. Where the table has a hole, or begins later, that is how it stays, and
    an account that is not known to have left is unknown.

    Args:
        closed: Windows that are over at as_of: not measured, or of which nothing was known.
        truth: What the run knows.
    """
    windows, waiting = [], 0
    for window in closed:
        reason = _reason(window, truth)
        if reason == _WAITS:
            waiting += window.not_known is None
        elif window.not_known is None or window.not_known != reason:
            windows.append(replace(window, not_known=reason))
    return Due(windows, waiting)


_WAITS: Final = "waits"


def _reason(window: ClosedWindow, truth: Truth) -> str | None:
    if not window.has_history:
        return HISTORY_LOST
    if window.label_source != truth.label_source:
        return SOURCE_CHANGED
    if truth.known is None:
        return _WAITS
    hidden = truth.known.hidden_in(window.as_of, window.closes_at)
    if hidden is None:
        return None
    return _WAITS if hidden[1] >= truth.as_of else DATES_MISSING
