"""What is expected of scores, estimated from their shards while they are published."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute

from components.account_scorer.inference import read_shards
from components.account_scorer.scored_run import ScoredRun
from components.ahead import Piece
from components.contributions.shard_rows import horizon_probabilities, horizons_of
from components.outcome_recorder.foreseen import (
    Estimates,
    PublishedScores,
    estimates,
    estimates_key,
    name_of,
)
from components.outcome_recorder.populations import CODES, SLICES
from components.postgres.connection import connect

_COLUMNS: Final = ("account_id", "churn_probability", "churn_by_horizon", *SLICES)


def begun_early(run: Any) -> Iterator[Piece]:
    """Yields what OutcomeRecorder begins while AccountScorer publishes, given a ScoredRun."""
    if isinstance(run, ScoredRun):
        yield estimates_key(run.scores), lambda: early_estimates(run)


def early_estimates(run: ScoredRun) -> Estimates | None:
    """Returns what is expected of scores by the windows that are closed by now.

    A window that the run closes itself afterwards changes that, and is then taken into account.

    Returns:
        None where no account was scored.

    Raises:
        StateUnusable: The shards do not hold what AccountScorer writes.
        DatabaseUnreachable: No connection, or it was lost.
    """
    parts: list[pa.Table] = []
    horizons: tuple[int, ...] = ()
    for shard in read_shards(run.scores, _COLUMNS):
        if len(shard):
            horizons = horizons or horizons_of(shard)
            parts.append(_by_horizon(shard, horizons))
    if not parts:
        return None
    table = pa.concat_tables(parts).append_column("band", run.bands)
    # By bytes, as COLLATE "C" does.
    order = pa.compute.sort_indices(table["account_id"])
    scores = table.drop(["account_id"]).take(order).combine_chunks()
    for name in ("band", *SLICES):
        place = scores.schema.get_field_index(name)
        scores = scores.set_column(place, name, scores[name].dictionary_encode().cast(CODES))
    published = PublishedScores(
        publication_id=0,
        as_of=run.as_of,
        model_version=run.model_version,
        horizon_days=run.horizon_days,
        horizons=list(horizons),
    )
    with closing(connect("tens-insight outcomes")) as connection, connection.cursor() as cursor:
        # One by one: publishing, which must not wait, needs the other processor.
        return estimates(cursor, published, scores, at_once=1)


def _by_horizon(shard: pa.Table, horizons: Sequence[int]) -> pa.Table:
    """Returns a column of probabilities for each horizon in place of their JSON."""
    probabilities = horizon_probabilities(shard, horizons)
    columns = {name_of(days): probabilities[:, place] for place, days in enumerate(horizons)}
    return pa.table({**columns, **{name: shard[name] for name in ("account_id", *SLICES)}})
