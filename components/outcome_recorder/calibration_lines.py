"""How far the log-odds of closed windows were off: kept as metrics, and read for the next estimate.

Five numbers of a window are all that an estimate needs of it. They are metrics of kind realised:
calibration_intercept and calibration_slope with their intervals, and calibration_centre, the
log-odds at which the intercept holds. With `_after_30` they are those of accounts that were still
there after 30 days, for the rest of the window.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.outcome_recorder.performance_rows import REALISED, Judged, append_metrics
from components.postgres.queries import queries
from components.postgres.rows import records
from serving_model.evaluation.performance import Estimate
from serving_model.evaluation.recalibration import (
    Line,
    Recalibration,
    recalibration,
    window_deviation,
)

_QUERIES: Final = queries(__package__)
_NAMES: Final = ("centre", "intercept", "slope")
_HALF_WIDTH: Final = 1.96
"""Standard deviations on either side in a 95 % interval."""


@dataclass(frozen=True)
class _KeptLine:
    """A row of the query; the ends are the lower ones of the intervals."""

    model_version: str
    as_of: datetime
    centre: float
    intercept: float
    intercept_low: float
    slope: float
    slope_low: float

    @property
    def line(self) -> Line:
        return Line(
            self.centre,
            self.intercept,
            (self.intercept - self.intercept_low) / _HALF_WIDTH,
            self.slope,
            (self.slope - self.slope_low) / _HALF_WIDTH,
        )


def keep_line(cursor: Cursor, judged: Judged, line: Line, after_days: int | None = None) -> None:
    """Keeps the line of a window beside its realised performance.

    Args:
        cursor: Of the transaction that measured the window.
        judged: Which window.
        line: Its line.
        after_days: Of accounts that were still there after so many days; None for all.
    """
    centre, intercept, slope = _metrics(after_days)
    found = {
        centre: Estimate(line.centre, float("nan"), float("nan")),
        intercept: _around(line.intercept, line.intercept_deviation),
        slope: _around(line.slope, line.slope_deviation),
    }
    append_metrics(cursor, judged, REALISED, found)


def belief(
    cursor: Cursor, judged: Judged, as_of: datetime, centre: float, after_days: int | None = None
) -> Recalibration:
    """Returns how far a publication's probabilities may be off, by windows that closed before.

    The line is that of the model's newest closed window; without one the prior holds. How much
    windows differ is learnt from those of all models, as far as they do not overlap.

    Args:
        cursor: Of the caller's transaction.
        judged: The publication and horizon that is estimated.
        as_of: What closed later is not known, UTC.
        centre: Log-odds at which the intercept holds if there is no line.
        after_days: Of accounts that were still there after so many days; None for all.
    """
    names = dict(zip(_NAMES, _metrics(after_days), strict=True))
    values: Mapping[str, Any] = {**names, "horizon_days": judged.horizon_days, "as_of": as_of}
    cursor.execute(_QUERIES["calibration_lines"], values)
    kept = records(cursor, _KeptLine)
    own = [one for one in kept if one.model_version == judged.model_version]
    apart = timedelta(days=judged.horizon_days)
    versions = {one.model_version for one in kept}
    deviation = window_deviation(
        [
            list(_apart([one for one in kept if one.model_version == version], apart))
            for version in sorted(versions)
        ]
    )
    line = own[0].line if own else None
    return recalibration(line, centre=centre, window_deviation=deviation)


def _apart(kept: Sequence[_KeptLine], apart: timedelta) -> Iterator[Line]:
    """Yields lines of windows that do not overlap; newest first."""
    last = None
    for one in kept:
        if last is None or one.as_of + apart <= last:
            last = one.as_of
            yield one.line


def _metrics(after_days: int | None) -> tuple[str, str, str]:
    end = "" if after_days is None else f"_after_{after_days}"
    centre, intercept, slope = (f"calibration_{name}{end}" for name in _NAMES)
    return centre, intercept, slope


def _around(value: float, deviation: float) -> Estimate:
    return Estimate(value, value - _HALF_WIDTH * deviation, value + _HALF_WIDTH * deviation)
