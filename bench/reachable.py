"""How near probabilities come to the best that their simulated world allows."""

from contextlib import closing

import numpy as np

from bench.limit import (
    Comparison,
    bootstrap_interval,
    compare,
    comparison_statistics,
    print_comparison,
    print_limit,
)
from bench.particle_filter import particle_limit
from bench.quality_result import Figure
from bench.recorded_world import read_snapshot
from bench.trained_history import TrainedHistory
from components.postgres.connection import connect
from serving_model.evaluation.metrics import auc

PARTICLES = 300
LIMIT_AUC = "limit: AUC"


def against_the_limit(found: TrainedHistory) -> dict[str, Figure]:
    """Estimates the limit on the same accounts, prints both, and returns the figures.

    Reads the database that DATABASE_URL names.
    """
    horizon = found.settings.reading.horizon_days
    with closing(connect("tens-insight bench limit")) as connection:
        snapshot = read_snapshot(connection, found.eval_cutoff, horizon)
    limit = particle_limit(
        snapshot.world, snapshot.observations, snapshot.cutoff, horizon, PARTICLES, 0
    )
    scores = dict(zip(found.accounts, found.ours.tolist(), strict=True))
    both = compare(snapshot, limit, scores, "The exported model")
    print()
    print_limit(limit, snapshot.churned)
    print_comparison(both)
    return _figures(both)


def _figures(both: Comparison) -> dict[str, Figure]:
    size = len(both.churned)
    statistics = comparison_statistics(both)
    statistics[LIMIT_AUC] = lambda at: auc(both.churned[at], both.limit[at])
    return {
        name: Figure(statistic(np.arange(size)), *bootstrap_interval(statistic, size))
        for name, statistic in statistics.items()
    }
