-- name: runs_before
-- Runs that were measured before a moment and whose publication was not undone, oldest first; of
-- several of one moment the newest.
SELECT DISTINCT ON (measured.window_end)
       measured.window_end, measured.run_id, measured.model_version
FROM (SELECT DISTINCT window_end, run_id, publication_id, model_version
      FROM tens_insight.profile_metrics
      WHERE window_end < %(as_of)s AND window_end >= %(since)s) AS measured
LEFT JOIN tens_insight.publications AS run USING (publication_id)
WHERE run.undone_at IS NULL
ORDER BY measured.window_end, measured.publication_id DESC

-- name: values_of_runs
SELECT window_end, slice_key, slice_value, column_name, metric, value, observations
FROM tens_insight.profile_metrics
WHERE (window_end, run_id) IN (SELECT * FROM unnest(%(moments)s::timestamptz[], %(runs)s::text[]))
  AND value IS NOT NULL

-- name: open_alarms
-- Alarms of the runs between two moments, newest run first.
SELECT slice_key, slice_value, column_name, metric, window_end, opened_at, usual_low, usual_high,
       statistic
FROM tens_insight.drift_metrics
WHERE alarm AND window_end >= %(since)s AND window_end < %(as_of)s
ORDER BY window_end DESC

-- name: facts_of_run
-- What the log says of the time since the publication before.
SELECT former.as_of AS published_before,
       (SELECT count(*) FROM tens_insight.refusals AS refusal
        WHERE refusal.target_table = 'account_risk_scores'
          AND refusal.refused_at > coalesce(former.published_at, '-infinity')) AS refusals
FROM (SELECT 1) AS one
LEFT JOIN LATERAL (
    SELECT as_of, published_at
    FROM tens_insight.publications
    WHERE target_table = 'account_risk_scores' AND kind = 'published'
      AND undone_at IS NULL AND publication_id < %(publication_id)s
    ORDER BY publication_id DESC LIMIT 1) AS former ON true

-- name: newest_performance
-- Of each kind the performance of the newest publication that has one, at its main horizon.
SELECT DISTINCT ON (performance.kind, performance.metric)
       performance.kind, performance.metric, performance.value
FROM tens_insight.model_performance AS performance
JOIN tens_insight.publications AS run USING (publication_id)
WHERE performance.slice = 'overall' AND performance.band = ''
  AND performance.horizon_days = %(horizon_days)s AND performance.metric = ANY(%(metrics)s)
  AND performance.as_of <= %(as_of)s AND run.undone_at IS NULL
ORDER BY performance.kind, performance.metric, performance.as_of DESC,
         performance.publication_id DESC

-- name: columns_of_table
-- Name and type of each column of a table that the search_path shows; no row where there is none.
SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_attribute AS a
WHERE a.attrelid = to_regclass(%(table)s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attname

-- name: former_columns
-- The columns of a table as the newest run of a week ago saw them, or else the oldest run.
SELECT sketch, window_end
FROM tens_insight.profile_metrics
WHERE column_name = %(column)s AND metric = 'columns' AND window_end < %(as_of)s
ORDER BY window_end > %(as_of)s - interval '7 days',
         CASE WHEN window_end > %(as_of)s - interval '7 days' THEN window_end END,
         window_end DESC
LIMIT 1

-- name: drop_measures
DELETE FROM tens_insight.{table}
WHERE window_end < %(before)s OR (window_end = %(as_of)s AND run_id = %(run_id)s)

-- name: add_profile
INSERT INTO tens_insight.profile_metrics
    (window_start, window_end, granularity, run_id, publication_id, model_version,
     slice_key, slice_value, column_name, metric, value, observations, sketch)
VALUES %s

-- name: add_drift
INSERT INTO tens_insight.drift_metrics
    (window_start, window_end, granularity, run_id, publication_id, model_version, baseline,
     compared_with, slice_key, slice_value, column_name, metric, value, usual_low, usual_high,
     statistic, surprise, threshold, alarm, opened_at)
VALUES %s

-- name: newest_runs
-- The newest runs that were measured, of publications that were not undone, newest first.
SELECT measured.window_end, measured.run_id, measured.publication_id, measured.model_version
FROM (SELECT DISTINCT ON (every.window_end)
             every.window_end, every.run_id, every.publication_id, every.model_version
      FROM (SELECT DISTINCT window_end, run_id, publication_id, model_version
            FROM tens_insight.profile_metrics
            WHERE window_end > (SELECT max(window_end) FROM tens_insight.profile_metrics)
                               - interval '400 days') AS every
      LEFT JOIN tens_insight.score_publications AS run USING (publication_id)
      WHERE run.undone IS NOT TRUE
      ORDER BY every.window_end DESC, every.publication_id DESC) AS measured
ORDER BY measured.window_end DESC
LIMIT %(runs)s

-- name: findings_of_run
SELECT slice_key, slice_value, column_name, metric, baseline, compared_with, value, usual_low,
       usual_high, statistic, surprise, threshold, alarm, opened_at
FROM tens_insight.drift_metrics
WHERE window_end = %(window_end)s AND run_id = %(run_id)s
ORDER BY slice_key, slice_value, column_name, metric

-- name: former_alarms
-- Every moment at which an alarm was opened, with the measures that were part of it.
SELECT opened_at, max(window_end) AS last_seen,
       count(DISTINCT (slice_key, slice_value, column_name, metric)) AS measures
FROM tens_insight.drift_metrics
WHERE alarm
GROUP BY opened_at
ORDER BY opened_at DESC

-- name: usual_of_runs
-- What was usual when each of these runs was judged, by the publications before it.
SELECT window_end, slice_key, slice_value, column_name, metric, usual_low, usual_high
FROM tens_insight.drift_metrics
WHERE (window_end, run_id) IN (SELECT * FROM unnest(%(moments)s::timestamptz[], %(runs)s::text[]))
  AND usual_low > '-infinity' AND usual_high < 'infinity'

-- name: changes_of_runs
-- What moved the mean score from each publication to the next.
SELECT run.as_of, change.part, change.feature_group, change.change
FROM tens_insight.score_changes AS change
JOIN tens_insight.score_publications AS run USING (publication_id)
WHERE change.publication_id = ANY(%(publications)s)
ORDER BY run.as_of, change.part, change.feature_group

-- name: alarmed_measures
-- Which measures were in each alarm, those that went farthest beyond their threshold first.
SELECT opened_at, slice_key, slice_value, column_name, metric
FROM tens_insight.drift_metrics
WHERE alarm
GROUP BY 1, 2, 3, 4, 5
ORDER BY opened_at DESC, max(abs(surprise) / nullif(threshold, 0)) DESC NULLS LAST, 2, 3, 4, 5
