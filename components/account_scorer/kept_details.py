"""The details of scores as their history keeps them, with what follows from all scores."""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from components.account_scorer.inference import CHURN_PROBABILITY, ScoredAccounts, read_shards
from components.postgres.tables import ACCOUNT_RISK_DETAILS
from components.publishing.details import percentiles_of
from components.publishing.holdout import Holdout
from transforms.arrays import Floats

_COLUMNS: Final = (*ACCOUNT_RISK_DETAILS.column_names, CHURN_PROBABILITY)


def kept_details(
    scores_uri: str, scored: ScoredAccounts, base_rate: float | None, holdout: Holdout
) -> Iterator[pa.Table]:
    """Yields the details shard by shard, in the columns that their history has.

    Percentile and lift are to the last bit what the database computes of staged scores.

    Args:
        scores_uri: Folder of the shards.
        scored: All their accounts.
        base_rate: That a lift is a multiple of; None for no lift.
        holdout: Which accounts are marked to be left alone.
    """
    percentiles, start = percentiles_of(scored.probabilities), 0
    for shard in read_shards(scores_uri, _COLUMNS):
        end = start + shard.num_rows
        yield detail_columns(shard, percentiles[start:end], base_rate, holdout)
        start = end


def detail_columns(
    shard: pa.Table, percentiles: Floats, base_rate: float | None, holdout: Holdout
) -> pa.Table:
    """Returns the details of some accounts, in the columns that their history has.

    Args:
        shard: n scored accounts, with the columns of scored_shard.
        percentiles: Of them, [n], 0..100.
        base_rate: As for kept_details.
        holdout: Likewise.
    """
    rows, probabilities = shard.num_rows, shard[CHURN_PROBABILITY].to_numpy()
    no_lift = pa.nulls(rows, pa.float64())
    derived = {
        "percentile": pa.array(percentiles),
        "lift": no_lift if base_rate is None else pa.array(probabilities / base_rate),
        "base_rate": pa.repeat(pa.scalar(base_rate, pa.float64()), rows),
        "holdout": _held_out(shard["account_id"], holdout),
    }
    table = shard.select(ACCOUNT_RISK_DETAILS.column_names)
    for name, column in derived.items():
        table = table.append_column(name, column)
    return table


def _held_out(accounts: pa.ChunkedArray, holdout: Holdout) -> pa.Array:
    if not holdout.share:
        return pa.repeat("false", len(accounts))
    held = map(holdout.holds, accounts.to_pylist())
    return pa.array(["true" if one else "false" for one in held], pa.string())
