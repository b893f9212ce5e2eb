-- name: newest_runs
-- Of each kind the newest run that came to its end as it should, and the newest other attempt.
SELECT DISTINCT ON (kind, state = 'complete')
       run_id, kind, state, started_at, ended_at, exit_code, failed_node
FROM tens_insight.runs
WHERE state <> 'not started'
ORDER BY kind, state = 'complete', started_at DESC, run_id DESC

-- name: publications
-- Of each output table the newest publication.
SELECT DISTINCT ON (target_table)
       target_table, as_of, published_at, rows_written, mean_probability, model_version
FROM tens_insight.publications
WHERE kind = 'published' AND undone_at IS NULL
ORDER BY target_table, as_of DESC, publication_id DESC

-- name: refusals
-- How often the circuit breaker refused since the newest publication of a table.
SELECT refusal.target_table, count(*) AS refusals
FROM tens_insight.refusals AS refusal
WHERE refusal.refused_at > coalesce(
    (SELECT max(published_at)
     FROM tens_insight.publications AS run
     WHERE run.target_table = refusal.target_table
       AND run.kind = 'published' AND run.undone_at IS NULL), '-infinity')
GROUP BY refusal.target_table

-- name: bands
SELECT risk_category::text AS band, count(*) AS accounts
FROM public.account_risk_scores
GROUP BY risk_category

-- name: performance
-- Of a model by its newest publication that has some, at the horizon of churn_probability.
SELECT DISTINCT ON (performance.kind, performance.metric)
       performance.kind, performance.metric, performance.value, performance.low, performance.high,
       performance.as_of
FROM tens_insight.model_performance AS performance
JOIN tens_insight.publications AS run USING (publication_id)
WHERE performance.slice = 'overall' AND performance.band = ''
  AND performance.metric = ANY(%(metrics)s)
  AND performance.model_version = %(model_version)s
  AND performance.horizon_days = run.horizon_days
  AND run.undone_at IS NULL
ORDER BY performance.kind, performance.metric, performance.as_of DESC,
         performance.publication_id DESC

-- name: alarms
-- Alarms that the newest measured run has; no row where none was measured.
SELECT count(DISTINCT finding.opened_at) AS alarms
FROM (SELECT measured.window_end, measured.run_id
      FROM tens_insight.profile_metrics AS measured
      JOIN tens_insight.publications AS run USING (publication_id)
      WHERE run.undone_at IS NULL
        AND measured.window_end > (SELECT max(window_end) FROM tens_insight.profile_metrics)
                                  - interval '400 days'
      ORDER BY measured.window_end DESC, publication_id DESC
      LIMIT 1) AS newest
LEFT JOIN tens_insight.drift_metrics AS finding
       ON finding.window_end = newest.window_end AND finding.run_id = newest.run_id
      AND finding.alarm
GROUP BY newest.window_end

-- name: alerts
SELECT kind, severity, count(*) AS alerts
FROM tens_insight.alerts
WHERE resolved_at IS NULL
GROUP BY kind, severity

-- name: tables
-- Schema and name of tables that the search_path shows, by what we call them.
SELECT asked.name AS asked, space.nspname::text AS schema, found.relname::text AS name
FROM unnest(%(tables)s::text[]) AS asked (name)
JOIN pg_class AS found ON found.oid = to_regclass(asked.name)
JOIN pg_namespace AS space ON space.oid = found.relnamespace

-- name: columns
-- Name and type of each column of such tables, in their order.
SELECT asked.name AS asked, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type
FROM unnest(%(tables)s::text[]) AS asked (name)
JOIN pg_attribute AS a ON a.attrelid = to_regclass(asked.name)
WHERE a.attnum > 0 AND NOT a.attisdropped
ORDER BY asked.name, a.attnum
