"""How good the scores were whose outcomes a run recorded, overall and by slice."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.feedback_example_gen.reading.copy_columns import copy_columns
from components.outcome_recorder.performance_rows import (
    REALISED,
    Judged,
    Slice,
    write_performance,
)
from components.outcome_recorder.populations import (
    CODES,
    MOST_VALUES,
    SLICES,
    band_codes,
    floats_of,
    performances,
    place_of_horizon,
)
from components.outcome_recorder.treatment_rows import FLAGGED, Row, treatment_rows
from components.postgres.names import table_identifier
from components.postgres.queries import queries
from components.postgres.rows import records, value
from components.publishing.details import held_out_condition
from components.publishing.holdout import NOBODY, Holdout
from serving_model.evaluation.performance import Estimate, Performance
from serving_model.evaluation.realised_performance import realised_performance
from serving_model.served.risk import CATEGORIES
from transforms.arrays import Booleans

_QUERIES: Final = queries(__package__)

Actions = tuple[str, str, str, str]
"""Table of what a team did, and its columns of accounts, moments and kinds."""


def judge(
    cursor: Cursor, windows: Sequence[tuple[int, int]], actions: Actions | None = None
) -> list[Judged]:
    """Measures the performance of windows, as far as they are the first of a week or month.

    Args:
        cursor: Of the transaction that measured them.
        windows: Publication and horizon, measured or corrected now.
        actions: Where it is written down what a team did; None where nothing is said about it.

    Returns:
        Those that were measured.
    """
    values = {
        "publications": [publication for publication, _ in windows],
        "horizons": [horizon for _, horizon in windows],
    }
    cursor.execute(_QUERIES["drop_undone_performance"])
    cursor.execute(_QUERIES["to_judge"], values)
    measured = []
    for judged in records(cursor, Judged):
        scores = _scores(cursor, judged, actions)
        if scores is None:
            continue
        found = dict(_performances(scores))
        treated: list[Row] = []
        if actions and judged.is_main:
            treated = [*treatment_rows(scores), *_by_kind(cursor, judged, actions)]
        write_performance(cursor, judged, REALISED, found, treated)
        measured.append(judged)
    return measured


def _scores(cursor: Cursor, judged: Judged, actions: Actions | None) -> pa.Table | None:
    """Reads labels, probabilities, bands, slices and who was held out or acted upon.

    Returns:
        None where probabilities were not kept.
    """
    place = place_of_horizon(cursor, judged.publication_id, judged.horizon_days)
    if place is None and not judged.is_main:
        return None
    kept = place is not None
    probability = "score.churn_probability"
    if place is not None and not judged.is_main:
        probability = f"part.probabilities[{place}]"
    slices = ", ".join(f"part.{name}" if kept else f"NULL::text AS {name}" for name in SLICES)
    parts = (
        "LEFT JOIN tens_insight.account_contributions AS part USING (publication_id, account_id)"
    )
    query = sql.SQL(_QUERIES["judged_scores"]).format(
        probability=sql.SQL(probability),
        slices=sql.SQL(slices),
        parts=sql.SQL(parts if kept else ""),
        held_out=held_out_condition(_holdout(cursor, judged)),
        acted=acted_condition(actions),
    )
    types = {
        **dict.fromkeys(("left", "held_out", "acted"), pa.int64()),
        "probability": pa.float64(),
        "band": CODES,
        **dict.fromkeys(SLICES, CODES),
    }
    found = copy_columns(cursor.connection, query, vars(judged), types)
    found = found.filter(pa.compute.is_valid(found["probability"]))
    return found if len(found) else None


def _holdout(cursor: Cursor, judged: Judged) -> Holdout:
    cursor.execute(_QUERIES["holdout_of"], vars(judged))
    recorded = value(cursor)
    return Holdout(float(recorded["share"]), str(recorded["salt"])) if recorded else NOBODY


def acted_condition(actions: Actions | None) -> sql.Composable:
    """Returns the condition that somebody acted upon an account within the window.

    Args:
        actions: Where it is written down; None: nobody did. The statement needs `score` and
            `outcome` as in the query judged_scores, and the parameter as_of.
    """
    return _about(actions, "acted_upon") if actions else sql.SQL("false")


def _by_kind(cursor: Cursor, judged: Judged, actions: Actions) -> Iterator[Row]:
    cursor.execute(_about(actions, "acted_by_kind"), {**vars(judged), "most": MOST_VALUES})
    for kind, accounts in cursor.fetchall():
        yield FLAGGED, f"acted_upon: {kind}", Estimate(float(accounts), np.nan, np.nan)


def _about(actions: Actions, query: str) -> sql.Composed:
    table, account_column, date_column, kind_column = actions
    return sql.SQL(_QUERIES[query]).format(
        table=table_identifier(table),
        account_column=sql.Identifier(account_column),
        date_column=sql.Identifier(date_column),
        kind_column=sql.Identifier(kind_column),
    )


def _performances(scores: pa.Table) -> Iterator[tuple[Slice, Performance]]:
    labels, probabilities = floats_of(scores, "left"), floats_of(scores, "probability")
    bands = band_codes(scores)

    def measured(rows: Booleans) -> Performance:
        return realised_performance(labels[rows], probabilities[rows], bands[rows], CATEGORIES)

    return performances(scores, labels, measured)
