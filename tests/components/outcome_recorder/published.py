"""Publications of account scores, written as publishing writes them, without its checks."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from components.feedback_example_gen.churn_rhythm import KnownChurn
from components.feedback_example_gen.reading.feedback_reader import ChurnSource
from components.outcome_recorder.judge import Actions
from components.outcome_recorder.record import Recorded, Run, record_outcomes
from components.outcome_recorder.windows import Truth

CHURN = ChurnSource("account_churn", "account_id", "churned_at")
_LINE = """
INSERT INTO tens_insight.publications
    (attempt, target_table, as_of, model_version, label_source, rows_written, rows_removed,
     removes_others, category_shares, run_id, published_by, horizon_days, horizons, risk_bands)
VALUES (gen_random_uuid(), 'account_risk_scores', %s, %s, %s, %s, 0, true, '{}', 'run', 'test',
        %s, %s, %s)
RETURNING publication_id"""
_SCORES = """
INSERT INTO tens_insight.account_risk_score_history
SELECT %s, account_id, probability, 100 * (1 - probability),
       CASE WHEN probability < .25 THEN 'low' WHEN probability < .5 THEN 'medium'
            WHEN probability < .75 THEN 'high' ELSE 'critical' END, %s, %s
FROM unnest(%s::text[], %s::float8[]) AS score (account_id, probability)"""


def put_publication(
    tables: Any,
    as_of: datetime,
    scores: Mapping[str, float] | Iterable[str],
    *,
    label_source: str = "account_churn",
    horizons: Sequence[int] = (10,),
    horizon_days: int = 10,
    model: str = "model-1",
) -> int:
    """Writes a publication and its history; returns its id."""
    if not isinstance(scores, Mapping):
        scores = dict.fromkeys(scores, 0.125)
    line = (as_of, model, label_source, len(scores), horizon_days, list(horizons))
    ((number,),) = tables.execute(_LINE, *line, json.dumps({"mode": "probability"}))
    rows = (list(scores), list(scores.values()))
    tables.execute(_SCORES, number, as_of, model, *rows)
    return int(number)


def record(
    as_of: datetime,
    publication_id: int,
    *,
    label_source: str = "account_churn",
    known: KnownChurn | None = KnownChurn(),  # noqa: B008 -- frozen
    run_id: str = "run-2",
    actions: Actions | None = None,
    scores: str = "",
) -> Recorded:
    """Records outcomes as a run does."""
    truth = Truth(as_of, label_source, known)
    return record_outcomes(
        Run(run_id, publication_id, truth, CHURN, actions=actions, scores=scores)
    )


def outcomes(tables: Any, horizon_days: int | None = None) -> dict[Any, str]:
    """Returns (publication, account) or (publication, horizon, account): outcome and reason."""
    rows = tables.execute(
        "SELECT publication_id, horizon_days, account_id, concat_ws(': ', outcome, reason) "
        "FROM tens_insight.score_outcomes"
    )
    if horizon_days is None:
        return {(number, days, account): said for number, days, account, said in rows}
    return {(number, account): said for number, days, account, said in rows if days == horizon_days}


def counts(tables: Any) -> list[tuple[Any, ...]]:
    """Returns the windows: publication, horizon, left, stayed, unknown, corrected rows."""
    return tables.execute(  # type: ignore[no-any-return]
        "SELECT publication_id, horizon_days, accounts_left, accounts_stayed, accounts_unknown, "
        "rows_corrected FROM tens_insight.outcome_windows ORDER BY 1, 2"
    )


def require_counts(tables: Any) -> None:
    """The counts of each window are those of its rows, where no history was dropped."""
    counted = tables.execute(
        "SELECT publication_id, horizon_days, count(*) FILTER (WHERE outcome = 'left'), "
        "count(*) FILTER (WHERE outcome = 'stayed'), count(*) FILTER (WHERE outcome = 'unknown') "
        "FROM tens_insight.score_outcomes GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert [row[:5] for row in counts(tables)] == counted
