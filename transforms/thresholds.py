"""What counts as critical, silent, new and quiet: one definition each for the whole product.

Features, the account's state in its details, the gate's slices, the sentences of reasons and
the product areas use these, so that they cannot disagree.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

CRITICAL_PRIORITY: Final = 4
"""Default of the setting of that name: the lowest priority, 1..5, that is critical."""

NEW: Final = "new"
ACTIVE: Final = "active"
QUIET: Final = "quiet"
SILENT: Final = "silent"
STATES: Final = (NEW, ACTIVE, QUIET, SILENT)

NEW_DAYS: Final = 30
"""An account is new while its first event is less than so many days old."""
QUIET_GAPS: Final = 3
"""Of events at a steady random pace, one gap in twenty is longer than three mean gaps."""
QUIET_DAYS: Final = 14
"""Nobody is quiet after a shorter pause, however fast the usual pace is."""


def account_states(
    tenure_days: npt.NDArray[np.float64],
    days_since_last_event: npt.NDArray[np.float64],
    lifetime_count: npt.NDArray[np.float64],
    lookback_days: int,
) -> npt.NDArray[np.str_]:
    """Returns one of STATES for each account, by the first rule that holds.

    silent: no event within the lookback (setting LOOKBACK_DAYS). new: the first event is less
    than NEW_DAYS old. quiet: the newest event is older than QUIET_GAPS times the account's mean
    gap, and than QUIET_DAYS; or the account has a single event, and so no gap. Else active.

    Args:
        tenure_days: Days from the first event to the cutoff, [n].
        days_since_last_event: Days from the newest event to the cutoff, [n].
        lifetime_count: Events ever, [n].
        lookback_days: Days before the cutoff in which events count as recent.

    Returns:
        str [n].
    """
    gaps = np.maximum(lifetime_count - 1, 1)
    usual = (tenure_days - days_since_last_event) / gaps
    longest = np.maximum(QUIET_GAPS * usual, QUIET_DAYS)
    quiet = (days_since_last_event > longest) | (lifetime_count < 2)
    # np.select, for a single account, would take longer than all the rest of its sentence.
    later = np.where(tenure_days < NEW_DAYS, NEW, np.where(quiet, QUIET, ACTIVE))
    return np.where(days_since_last_event > lookback_days, SILENT, later)
