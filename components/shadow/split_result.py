"""What came of a split: how many accounts of each model left, and what was done for them."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.feedback_example_gen.reading.copy_columns import copy_columns
from components.outcome_recorder.judge import Actions, acted_condition
from components.postgres.queries import queries
from components.postgres.rows import records
from serving_model.evaluation.arms import MISMATCH, Arms, ArmWindow, compared_shares, mismatch
from serving_model.evaluation.sequential import Sequential, compare
from transforms.arrays import Booleans

_QUERIES: Final = queries(__package__)
ERROR: Final = 0.05
"""Chance that a split without any effect is ever said to have one, in either direction."""
_COLUMNS: Final = ("left", "is_second", "flagged", "acted")


@dataclass(frozen=True)
class RecordedSplit:
    """A split by which accounts were scored, as the log of publications has it.

    Attributes:
        number: Of the decision.
        salt: That its accounts were divided by.
        a: Version of the first model.
        b: Of the second.
        share: Of accounts that the second scores.
        horizon_days: Of churn_probability.
        publications: How many were made by it, and not undone.
        first_as_of: Of the oldest, UTC.
        last_as_of: Of the newest, UTC.
        accounts_a: That the first model scored in the newest.
        accounts_b: That the second one did.
    """

    number: int
    salt: str
    a: str
    b: str
    share: float
    horizon_days: int
    publications: int
    first_as_of: datetime
    last_as_of: datetime
    accounts_a: int
    accounts_b: int

    @property
    def mismatch(self) -> float:
        """How likely the sizes of the arms of the newest publication are by chance."""
        return mismatch(self.accounts_b, self.accounts_a + self.accounts_b, self.share)


@dataclass(frozen=True)
class SplitResult:
    """What became of the accounts of both models, each counted once.

    Attributes:
        split: Which.
        accounts: With a known outcome, of each model.
        left: Share that left.
        flagged: Share that was in a risk band above low.
        precision: Share of the flagged that left; undefined where none was flagged.
        acted: Share that somebody acted upon within the window; None where nobody says.
        mismatch: How likely the sizes are by chance.
        sequential: Of the departures, first less second, times `scale`.
        scale: Of the differences in `sequential`.
    """

    split: RecordedSplit
    accounts: tuple[int, int]
    left: Arms
    flagged: Arms
    precision: Arms
    acted: Arms | None
    mismatch: float
    sequential: Sequential
    scale: float

    @property
    def verdict(self) -> str:
        """What may be concluded by now, in a sentence."""
        if min(self.mismatch, self.split.mismatch) < MISMATCH:
            return (
                "nothing: the sizes of the two groups are no accident, so that they cannot be "
                "compared; something other than the hash decides who scores an account"
            )
        if self.sequential.is_worse:
            return f"accounts of {self.split.b} leave less often: the split may be ended"
        if self.sequential.is_better:
            return f"accounts of {self.split.a} leave less often: the split may be ended"
        return "not decided yet: what is seen may be chance, however often one looks"

    def as_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return {**asdict(self), "verdict": self.verdict}


@dataclass(frozen=True)
class _Window:
    publication_id: int
    as_of: datetime
    closed_at: datetime
    former: list[int]


def recorded_splits(session: Cursor) -> list[RecordedSplit]:
    """Returns all splits by which anything was published, newest first."""
    session.execute(_QUERIES["splits"])
    return records(session, RecordedSplit)


def split_result(
    session: Cursor, split: RecordedSplit, actions: Actions | None = None
) -> SplitResult | None:
    """Reads what came of a split; None as long as no window has closed.

    Args:
        session: Cursor of any transaction.
        split: Which.
        actions: Where it is written down what a team did; None where nothing is said about it.
    """
    values = asdict(split)
    session.execute(_QUERIES["split_windows"], values)
    found = [
        rows
        for window in records(session, _Window)
        if len(rows := _rows(session, values | asdict(window), actions))
    ]
    if not found:
        return None
    windows = [_arm_window(rows, split.share) for rows in found]
    left, is_second, flagged, acted = (
        np.concatenate([_booleans(rows, name) for rows in found]) for name in _COLUMNS
    )
    second, accounts = int(is_second.sum()), len(is_second)
    return SplitResult(
        split=split,
        accounts=(accounts - second, second),
        left=compared_shares(left, is_second),
        flagged=compared_shares(flagged, is_second),
        precision=compared_shares(left[flagged], is_second[flagged]),
        acted=compared_shares(acted, is_second) if actions else None,
        mismatch=mismatch(second, accounts, split.share),
        sequential=compare(windows, ERROR),
        scale=windows[0].scale,
    )


def _rows(session: Cursor, values: dict[str, Any], actions: Actions | None) -> pa.Table:
    query = sql.SQL(_QUERIES["split_rows"]).format(acted=acted_condition(actions))
    types = {**dict.fromkeys(_COLUMNS, pa.int64()), "probability": pa.float64()}
    return copy_columns(session.connection, query, values, types)


def _arm_window(rows: pa.Table, share: float) -> ArmWindow:
    probability = rows["probability"].to_numpy()
    return ArmWindow(
        _booleans(rows, "left"), probability, probability, _booleans(rows, "is_second"), share
    )


def _booleans(rows: pa.Table, name: str) -> Booleans:
    found: Booleans = rows[name].to_numpy() > 0
    return found
