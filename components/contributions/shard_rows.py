"""From the shards of a run's scores to the rows of account_contributions.

Column by column in Arrow and numpy: an object of Python for each number would take many times as
long.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.json

from components.contributions.secants import log_odds_of, shares
from components.errors import StateUnusable
from transforms.arrays import Booleans, Floats

SHARD_COLUMNS: Final = (
    "account_id",
    "churn_probability",
    "churn_by_horizon",
    "base_log_odds",
    "contributions",
    "customer_tier",
    "region",
    "silence_state",
)
"""Those of a shard of PublishedScores that are read."""
GROUPS_KEY: Final = "contribution_groups"
"""In the metadata of a shard: JSON list of the groups of the column contributions."""
_MOST_MISSED: Final = 0.01
"""Log-odds that rounding to 32 bits can take from the sum of all groups, and much more."""
_DAMAGED: Final = (
    "The scores of the run are damaged: {}. What they are made of was not recorded; run again: "
    "`tens-insight run score`."
)


@dataclass(frozen=True)
class Layout:
    """What the places of the arrays are.

    Attributes:
        horizons: Days of the probabilities, ascending.
        horizon_days: Of churn_probability.
        groups: Of the contributions, as the model orders them; empty without reasons.
    """

    horizons: tuple[int, ...]
    horizon_days: int
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    """The rows of one publication.

    Attributes:
        layout: What the places of their arrays are.
        tables: With the columns of ACCOUNT_CONTRIBUTIONS; numbers have 32 bits.
        accounts: How many rows.
    """

    layout: Layout
    tables: list[pa.Table]
    accounts: int


def contribution_rows(shards: Iterable[pa.Table]) -> Rows | None:
    """Makes the rows of account_contributions of the scores of one run.

    What rounding took from the sum of contributions and base is shared among them by their size,
    as the model itself does, so that they add up to the log-odds of the probability.

    Args:
        shards: Of PublishedScores or parts of them, with SHARD_COLUMNS and metadata.

    Returns:
        None if there is no row.

    Raises:
        StateUnusable: A shard does not hold what AccountScorer writes.
    """
    horizons: tuple[int, ...] | None = None
    groups: tuple[str, ...] = ()
    tables: list[pa.Table] = []
    is_main: Booleans = np.ones(0, bool)
    # Of the shards nothing is kept: their JSON alone takes as much memory as all rows.
    for one in (shard.combine_chunks() for shard in shards if shard.num_rows):
        if horizons is None:
            horizons, groups = horizons_of(one), groups_of(one)
            is_main = np.ones(len(horizons), bool)
        probabilities = horizon_probabilities(one, horizons)
        is_main &= (probabilities == one["churn_probability"].to_numpy()[:, None]).all(axis=0)
        if not is_main.any():
            raise StateUnusable(_DAMAGED.format("churn_by_horizon does not hold churn_probability"))
        tables.append(_table(one, groups, probabilities))
    if horizons is None:
        return None
    layout = Layout(horizons, horizons[int(np.argmax(is_main))], groups)
    return Rows(layout, tables, sum(one.num_rows for one in tables))


def horizons_of(rows: pa.Table) -> tuple[int, ...]:
    """Returns the horizons of the first row in days, ascending; each other is held against them.

    Args:
        rows: Of a shard, at least one, with the column churn_by_horizon.

    Raises:
        StateUnusable: The row does not hold what AccountScorer writes.
    """
    try:
        return tuple(sorted(map(int, json.loads(rows["churn_by_horizon"][0].as_py()))))
    except (ValueError, TypeError):
        raise StateUnusable(_DAMAGED.format("the JSON of the first account is none")) from None


def groups_of(shard: pa.Table) -> tuple[str, ...]:
    """Returns the groups of the column contributions, in its order; empty without reasons."""
    metadata = shard.schema.metadata or {}
    return tuple(map(str, json.loads(metadata.get(GROUPS_KEY.encode(), b"[]"))))


def contribution_matrix(lists: pa.ListArray, groups: Sequence[str]) -> Floats:
    """Returns the contributions of n accounts, [n, groups].

    Raises:
        StateUnusable: An account has not one for each group.
    """
    lengths = pyarrow.compute.list_value_length(lists).fill_null(0).to_numpy()
    if (lengths != len(groups)).any():
        raise StateUnusable(_DAMAGED.format("not every account has a contribution of each group"))
    values = lists.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(values.reshape(len(lists), -1), np.float64)


def _parsed(rows: pa.Table, horizons: Sequence[int]) -> pa.Table:
    """Parses churn_by_horizon: a column of probabilities for each horizon, named by its days."""
    column = rows["churn_by_horizon"].combine_chunks().fill_null("{}")
    lines = pyarrow.compute.binary_join_element_wise(column, "\n", "")
    _, _, text = lines.buffers()
    schema = pa.schema([(str(days), pa.float64()) for days in horizons])
    return pyarrow.json.read_json(
        pa.BufferReader(text),
        parse_options=pyarrow.json.ParseOptions(
            explicit_schema=schema, unexpected_field_behavior="ignore"
        ),
    )


def horizon_probabilities(rows: pa.Table, horizons: Sequence[int]) -> Floats:
    """Returns the probabilities of all horizons, [n, horizons].

    Args:
        rows: n rows of a shard, with the column churn_by_horizon.
        horizons: As horizons_of returns them.

    Raises:
        StateUnusable: A row does not hold what AccountScorer writes.
    """
    try:
        parsed = _parsed(rows, horizons)
    except pa.ArrowInvalid as error:
        raise StateUnusable(_DAMAGED.format(f"Arrow says {error}")) from None
    found = [parsed[str(days)].to_numpy() for days in horizons]
    probabilities = np.stack(found, axis=1).astype(np.float64)
    if len(probabilities) != rows.num_rows or np.isnan(probabilities).any():
        raise StateUnusable(_DAMAGED.format("a probability is missing in churn_by_horizon"))
    return probabilities


def _table(rows: pa.Table, groups: Sequence[str], probabilities: Floats) -> pa.Table:
    columns = {
        "account_id": rows["account_id"],
        "base_log_odds": rows["base_log_odds"].cast(pa.float32()),
        "probabilities": float_lists(probabilities),
        "log_odds": _log_odds(rows, groups),
        **{name: rows[name] for name in ("customer_tier", "region", "silence_state")},
    }
    if not groups:
        columns["base_log_odds"] = pa.nulls(rows.num_rows, pa.float32())
    return pa.table(columns)


def _log_odds(rows: pa.Table, groups: Sequence[str]) -> pa.Array:
    """Returns the contributions of all groups as lists; nulls without reasons."""
    if not groups:
        return pa.nulls(rows.num_rows, pa.list_(pa.float32()))
    matrix = contribution_matrix(rows["contributions"].combine_chunks(), groups)
    base = rows["base_log_odds"].to_numpy()
    change = log_odds_of(rows["churn_probability"].to_numpy()) - base
    missed = change - matrix.sum(axis=1)
    if not (np.abs(missed) <= _MOST_MISSED).all():
        raise StateUnusable(_DAMAGED.format("contributions do not add up to the probability"))
    return float_lists(matrix + shares(matrix) * missed[:, None])


def float_lists(matrix: Floats) -> pa.Array:
    """Returns rows of numbers as lists of numbers of 32 bits."""
    starts = pa.array(np.arange(len(matrix) + 1) * matrix.shape[1], pa.int32())
    return pa.ListArray.from_arrays(starts, pa.array(matrix.astype(np.float32).ravel()))


def array_texts(matrix: Floats) -> pa.Array:
    """Returns rows of numbers as Postgres reads real[]: "{0.5,0.25}"."""
    # The shortest text that gives the same number of 32 bits again.
    columns = [pa.array(one.astype(np.float32)).cast(pa.string()) for one in matrix.T]
    inside = pyarrow.compute.binary_join_element_wise(*columns, ",")
    return pyarrow.compute.binary_join_element_wise("{", inside, "}", "")
