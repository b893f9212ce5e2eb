"""Two models beside each other on accounts whose windows are closed, by the sequential test."""

from datetime import datetime

import numpy as np
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.shadow.paired import PairedOutcomes, paired_outcomes
from serving_model.evaluation.sequential import Sequential, Window, compare


def compared(
    cursor: Cursor,
    versions: tuple[str, str],
    horizon_days: int,
    until: datetime,
    error: float,
    margin: float,
) -> Sequential:
    """Compares two models by all that is known of both.

    Args:
        cursor: Of any transaction.
        versions: The model that is asked about, and the one that it is compared with.
        horizon_days: Of the windows, which both answer for.
        until: Windows that closed later are not known yet.
        error: As for `compare`.
        margin: Likewise.
    """
    first, second = versions
    found = paired_outcomes(cursor, first, second, horizon_days, independent=True, as_of=until)
    return compare(windows_of(found), error, margin)


def windows_of(found: PairedOutcomes) -> list[Window]:
    """Returns the windows one by one, in the order in which they close."""
    ids = found.publication_ids
    if not len(ids):
        return []
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]]).tolist()
    return [
        Window(found.churned[a:b], found.p_a[a:b], found.p_b[a:b])
        for a, b in zip(starts, [*starts[1:], len(ids)], strict=True)
    ]
