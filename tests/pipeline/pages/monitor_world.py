"""What monitoring recorded of the publications of the pages' tests."""

from contextlib import closing

import psycopg2

_MEASURES = """
WITH runs AS (
    SELECT publication_id, as_of, model_version, run_id,
           row_number() OVER (ORDER BY publication_id) AS place
    FROM tens_insight.publications WHERE target_table = 'account_risk_scores'
), measured AS (
    INSERT INTO tens_insight.profile_metrics
        (window_start, window_end, granularity, run_id, publication_id, model_version, slice_key,
         slice_value, column_name, metric, value)
    SELECT as_of - interval '7 days', as_of, '7 days', run_id, publication_id, model_version,
           slice_key, slice_value, ':table', 'share of events', 0.3 + 0.05 * place
    FROM runs, (VALUES ('sentiment', 'negative'), ('source', %(hostile)s))
               AS slice (slice_key, slice_value)
)
INSERT INTO tens_insight.drift_metrics
    (window_start, window_end, granularity, run_id, publication_id, model_version, baseline,
     compared_with, slice_key, slice_value, column_name, metric, value, usual_low, usual_high,
     statistic, surprise, threshold, alarm, opened_at)
SELECT as_of - interval '7 days', as_of, '7 days', run_id, publication_id, model_version,
       'previous', '', slice_key, slice_value, ':table', 'share of events', 0.3 + 0.05 * place,
       0.25, 0.5, 'jump', place, 4, place > 4, CASE WHEN place > 4 THEN as_of END
FROM runs, (VALUES ('sentiment', 'negative'), ('source', %(hostile)s))
           AS slice (slice_key, slice_value)
"""
_OUTCOMES = """
INSERT INTO tens_insight.missed_churn
    (account_id, left_at, publication_id, horizon_days, as_of, model_version, churn_probability,
     reasons, events_after, negative_after, neutral_after, positive_after, critical_after)
SELECT %(hostile)s, as_of + interval '9 days', publication_id, 60, as_of, model_version, 0.02,
       '{"silence": -0.4, "tenure": 0.2}', 3, 2, 1, 0, 1
FROM tens_insight.publications
WHERE target_table = 'account_risk_scores' ORDER BY publication_id LIMIT 1
"""
_CAUSE = """
INSERT INTO tens_insight.score_causes (publication_id, cause, days_ago, evidence)
SELECT publication_id, 'source or pipeline changed', 5, ARRAY['source ' || %(hostile)s]
FROM tens_insight.publications
WHERE target_table = 'account_risk_scores' ORDER BY publication_id DESC LIMIT 1
"""


def fill(url: str, hostile: str) -> None:
    """Records measures, an alarm since the newest run, a missed account and a cause."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        for statement in (_MEASURES, _OUTCOMES, _CAUSE):
            cursor.execute(statement, {"hostile": hostile})
