-- name: moments
-- The database's clock, whether the table of churn dates is there, and the newest moment that scores
-- were published for.
SELECT now() AS now,
       to_regclass(%(churn_table)s) IS NOT NULL AS has_churn_table,
       (SELECT max(as_of) FROM tens_insight.publications
        WHERE target_table = 'account_risk_scores' AND kind = 'published'
          AND undone_at IS NULL) AS scored_as_of

-- name: left_since
-- Accounts that left since a moment, as outcomes recorded it.
SELECT count(DISTINCT account_id)
FROM tens_insight.account_departures
WHERE label_source = %(label_source)s AND gone_from >= %(since)s AND gone_from < %(until)s

-- name: drift
-- Alarms about the input that the newest measured run has, and that are younger than a moment.
SELECT slice_key, slice_value, column_name, metric, opened_at, surprise, threshold
FROM tens_insight.drift_metrics AS drift
WHERE alarm
  AND opened_at > %(since)s
  AND metric = ANY(%(metrics)s)
  AND column_name <> ALL(%(not_input)s)
  AND (window_end, run_id) = (
      SELECT newest.window_end, newest.run_id
      FROM tens_insight.drift_metrics AS newest
      LEFT JOIN tens_insight.publications AS run USING (publication_id)
      WHERE newest.window_end <= %(until)s AND run.undone_at IS NULL
      ORDER BY newest.window_end DESC, newest.publication_id DESC
      LIMIT 1)
ORDER BY abs(surprise) / threshold DESC, slice_key, slice_value, column_name, metric

-- name: performance
-- The newest realised log-loss of a model, beside what was estimated on the day of publication.
SELECT real.publication_id, real.as_of, real.value, real.low, real.high,
       foreseen.value AS foreseen, foreseen.low AS foreseen_low, foreseen.high AS foreseen_high
FROM tens_insight.model_performance AS real
JOIN tens_insight.model_performance AS foreseen
     USING (publication_id, horizon_days, slice, slice_value, band, metric)
JOIN tens_insight.publications AS run USING (publication_id)
WHERE real.kind = 'realised' AND foreseen.kind = 'estimated'
  AND slice = 'overall' AND band = '' AND metric = 'log_loss'
  AND real.horizon_days = run.horizon_days AND run.undone_at IS NULL
  AND real.model_version = %(model_version)s
  AND real.low IS NOT NULL AND foreseen.high IS NOT NULL
ORDER BY real.as_of DESC, real.publication_id DESC
LIMIT 1

-- name: standing_models
-- Models of the publication that the table shows, and of the one that an undo would bring back.
SELECT DISTINCT model_version
FROM (SELECT unnest(ARRAY[model_version, split ->> 'b']) AS model_version
      FROM (SELECT model_version, split
            FROM tens_insight.publications
            WHERE target_table = 'account_risk_scores' AND kind = 'published'
              AND undone_at IS NULL
            ORDER BY publication_id DESC
            LIMIT 2) AS newest) AS standing
WHERE model_version IS NOT NULL
