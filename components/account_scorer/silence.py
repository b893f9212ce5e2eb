"""Is the account new, active, quiet for its own pace, or silent: by its own facts alone."""

from typing import Final

import numpy as np
import numpy.typing as npt

NEW: Final = "new"
ACTIVE: Final = "active"
QUIET: Final = "quiet"
SILENT: Final = "silent"
STATES: Final = (NEW, ACTIVE, QUIET, SILENT)

NEW_DAYS: Final = 30
"""An account is new while its first feedback is no older."""
QUIET_GAPS: Final = 3
"""Of events at a steady random pace, one gap in twenty is longer than three mean gaps."""
QUIET_DAYS: Final = 14
"""Nobody is quiet after a shorter silence, however fast the usual pace is."""


def silence_states(
    tenure_days: npt.NDArray[np.float64],
    days_since_last_event: npt.NDArray[np.float64],
    lifetime_count: npt.NDArray[np.float64],
    lookback_days: int,
) -> npt.NDArray[np.str_]:
    """Returns one of STATES for each account, by the first rule that holds.

    silent: no event within the lookback. new: the first one is less than NEW_DAYS old.
    quiet: the silence is longer than QUIET_GAPS times the account's mean gap, and than
    QUIET_DAYS; or the account has a single event, and so no gap. Else active.

    Args:
        tenure_days: From the first event to the moment of scoring, [n].
        days_since_last_event: From the newest event to it, [n].
        lifetime_count: Events ever, [n], each at least 1.
        lookback_days: How far back the snapshots reach.
    """
    gaps = np.maximum(lifetime_count - 1, 1)
    usual = (tenure_days - days_since_last_event) / gaps
    longest = np.maximum(QUIET_GAPS * usual, QUIET_DAYS)
    quiet = (days_since_last_event > longest) | (lifetime_count < 2)
    return np.select(
        [days_since_last_event > lookback_days, tenure_days < NEW_DAYS, quiet],
        [SILENT, NEW, QUIET],
        default=ACTIVE,
    )
