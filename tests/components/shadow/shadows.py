"""Publications with models in shadow, on a real Postgres."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import numpy as np
import psycopg2

from components.registry.rule import FORMER_CHAMPION
from components.shadow.paired import PairedOutcomes, paired_outcomes
from components.shadow.record import ShadowScores, record_shadows

HORIZONS = (5, 10)


def shadow(
    version: str,
    scores: Mapping[str, float],
    *,
    role: str = FORMER_CHAMPION,
    horizons: tuple[int, ...] = HORIZONS,
    horizon_days: int = 10,
) -> ShadowScores:
    """What a model says: half of the probability within each shorter horizon."""
    main = np.array(list(scores.values()))
    columns = [main * (1 if one == horizon_days else one / horizon_days / 2) for one in horizons]
    return ShadowScores(
        version, role, horizons, horizon_days, list(scores), np.stack(columns, axis=1)
    )


def record(publication_id: int, *shadows: ShadowScores, history_days: int = 400) -> Any:
    return record_shadows(publication_id, shadows, history_days=history_days, patience_s=0)


def paired(url: str, a: str, b: str, horizon_days: int = 10, **options: Any) -> PairedOutcomes:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        return paired_outcomes(cursor, a, b, horizon_days, **options)


def rows_of(found: PairedOutcomes) -> list[tuple[Any, ...]]:
    """(publication, account, churned, p_a, p_b) of each observation."""
    columns = (found.publication_ids, found.accounts, found.churned, found.p_a, found.p_b)
    return list(zip(*(column.tolist() for column in columns), strict=True))
