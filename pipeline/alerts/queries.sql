-- name: alarm_moments
-- Of the newest publication that was measured and not undone: each moment at which measures became
-- unusual and still are. Whether these are of the scores alone is asked of the run that found it
-- first, so that a later measure makes no other alert of it.
WITH newest AS (
    SELECT measured.window_end, measured.run_id
    FROM (SELECT DISTINCT window_end, run_id, publication_id
          FROM tens_insight.drift_metrics
          WHERE window_end = (SELECT max(every.window_end)
                              FROM tens_insight.drift_metrics AS every
                              LEFT JOIN tens_insight.publications AS run USING (publication_id)
                              WHERE run.undone_at IS NULL)) AS measured
    LEFT JOIN tens_insight.publications AS run USING (publication_id)
    WHERE run.undone_at IS NULL
    ORDER BY measured.publication_id DESC
    LIMIT 1),
unusual AS (
    SELECT found.*, row_number() OVER (
               PARTITION BY found.opened_at
               ORDER BY abs(found.surprise) / nullif(found.threshold, 0) DESC NULLS LAST,
                        found.slice_key, found.slice_value, found.column_name, found.metric) AS place
    FROM tens_insight.drift_metrics AS found
    JOIN newest USING (window_end, run_id)
    WHERE found.alarm)
SELECT first.opened_at, first.slice_key, first.slice_value, first.column_name, first.metric,
       first.value, first.usual_low, first.usual_high, first.window_end, first.publication_id,
       (SELECT count(*) FROM unusual WHERE unusual.opened_at = first.opened_at) AS measures,
       coalesce((SELECT bool_and(beginning.column_name = 'churn_probability'
                                 OR beginning.slice_key = 'risk_category'
                                 OR beginning.metric = 'mean contribution')
                 FROM tens_insight.drift_metrics AS beginning
                 WHERE beginning.alarm AND beginning.opened_at = first.opened_at
                   AND beginning.window_end = first.opened_at), false) AS of_scores_alone
FROM unusual AS first
WHERE first.place = 1
ORDER BY first.opened_at

-- name: realised_auc
-- Of the newest publication whose window is over, at the horizon of churn_probability.
SELECT performance.value, performance.low, performance.high, performance.as_of,
       performance.model_version, performance.horizon_days, performance.publication_id
FROM tens_insight.model_performance AS performance
JOIN tens_insight.publications AS run USING (publication_id)
WHERE performance.kind = 'realised' AND performance.slice = 'overall' AND performance.band = ''
  AND performance.metric = 'auc' AND performance.horizon_days = run.horizon_days
  AND run.undone_at IS NULL
ORDER BY performance.as_of DESC, performance.publication_id DESC
LIMIT 1

-- name: streams
-- Where each stream stands, what the server keeps of its log for a replication slot, and how far
-- behind its topic one from Kafka is.
SELECT stream.source, stream.committed_at, slot.slot_name::text AS slot,
       slot.wal_status = 'lost' AS lost,
       CASE WHEN NOT pg_is_in_recovery()
            THEN (pg_current_wal_lsn() - slot.restart_lsn)::bigint END AS retained,
       slot.safe_wal_size AS safe,
       (stream.position #>> '{place,behind}')::bigint AS behind,
       (stream.position #>> '{place,caught_up_at}')::timestamptz AS caught_up_at
FROM tens_insight.stream_positions AS stream
LEFT JOIN pg_replication_slots AS slot
       ON stream.source = 'slot' AND slot.slot_name = %(slot)s
      AND slot.database = current_database()
ORDER BY stream.source

-- name: stream_refused
-- What the circuit breaker refused of a stream, as long as neither it nor a run has published since.
SELECT refusal_id, model_version, broken_limits, refused_at
FROM tens_insight.refusals
WHERE target_table = 'account_risk_scores'
  AND run_id LIKE %(stream)s || '-%%'
  AND refused_at > coalesce((SELECT max(committed_at) FROM tens_insight.stream_positions),
                            '-infinity')
  AND refused_at > coalesce((SELECT max(published_at) FROM tens_insight.publications
                             WHERE target_table = 'account_risk_scores'), '-infinity')
ORDER BY refusal_id DESC
LIMIT 1

-- name: known_since
SELECT coalesce((SELECT max(made_at) FROM tens_insight.database_identity), now())

-- name: accounts_among
-- Which words are ids of accounts.
SELECT account_id::text
FROM public.account_risk_scores
WHERE account_id = ANY(%(words)s)
