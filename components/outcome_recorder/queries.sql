-- name: publications_to_close
-- Publications of scores that count, and the horizons of each that are over at as_of and are not
-- measured, or of which nothing was known when they were.
SELECT run.publication_id,
       served.days AS horizon_days,
       run.as_of,
       run.as_of + make_interval(hours => 24 * served.days) AS closes_at,
       run.label_source,
       run.dropped_up_to IS NULL AND EXISTS (
           SELECT FROM tens_insight.account_risk_score_history AS score
           WHERE score.publication_id = run.publication_id) AS has_history,
       former.not_known
FROM tens_insight.publications AS run
CROSS JOIN unnest(run.horizons) AS served (days)
LEFT JOIN tens_insight.outcome_windows AS former
       ON former.publication_id = run.publication_id AND former.horizon_days = served.days
WHERE run.target_table = 'account_risk_scores'
  AND run.kind = 'published'
  AND run.undone_at IS NULL
  AND run.as_of + make_interval(hours => 24 * served.days) <= %(as_of)s
  AND (former.publication_id IS NULL
       OR former.not_known IN ('churn dates missing', 'label source changed'))
ORDER BY run.as_of, run.publication_id, served.days

-- name: open_windows
-- How many windows are not over at as_of, and when the next one is.
SELECT count(*) AS windows, min(run.as_of + make_interval(hours => 24 * served.days)) AS next
FROM tens_insight.publications AS run
CROSS JOIN unnest(run.horizons) AS served (days)
WHERE run.target_table = 'account_risk_scores'
  AND run.kind = 'published'
  AND run.undone_at IS NULL
  AND run.as_of + make_interval(hours => 24 * served.days) > %(as_of)s

-- name: kept_publications
-- Since when there are publications whose rows are kept, and the shortest silence that any of them
-- calls churn, in days; NULL without any.
SELECT min(as_of) AS oldest, min(horizon_days) AS silence_days
FROM tens_insight.publications
WHERE target_table = 'account_risk_scores'
  AND kind = 'published'
  AND undone_at IS NULL
  AND dropped_up_to IS NULL
  AND horizon_days IS NOT NULL
  AND label_source = %(label_source)s

-- name: departures_by_date
-- When the accounts left that were ever scored, by the table of churn dates.
CREATE TEMPORARY TABLE found_departures ON COMMIT DROP AS
SELECT DISTINCT churn.{account_column}::text AS account_id,
       churn.{date_column} AS gone_from,
       churn.{date_column} AS gone_until
FROM {table} AS churn
WHERE churn.{account_column}::text <> ''
  AND churn.{date_column} >= greatest(%(earliest)s, %(oldest)s)
  AND churn.{date_column} < %(as_of)s
  AND EXISTS (SELECT FROM tens_insight.account_risk_score_history AS score
              WHERE score.account_id = churn.{account_column}::text)

-- name: silence_mark
-- How far silences were looked for; no row if they never were.
SELECT as_of, whole_as_of, publication_id, oldest, silence_days, feedback_rows, digest, departures
FROM tens_insight.silence_marks
WHERE label_source = %(label_source)s

-- name: feedback_state
-- The feedback with an account before as_of, and before a former moment: rows and a digest of whose
-- they are and of when; and how many departures are recorded.
SELECT count(*) AS feedback_rows, coalesce(sum(hash), 0) AS digest,
       count(*) FILTER (WHERE created_at < %(former)s) AS former_rows,
       coalesce(sum(hash) FILTER (WHERE created_at < %(former)s), 0) AS former_digest,
       (SELECT count(*) FROM tens_insight.account_departures
        WHERE label_source = %(label_source)s) AS departures
FROM (SELECT created_at,
             hashtextextended(account_id::text, (date_part('epoch', created_at) * 1e6)::bigint)
                 AS hash
      FROM feedback_enriched
      WHERE account_id::text <> ''
        AND created_at >= %(earliest)s
        AND created_at < %(as_of)s) AS feedback

-- name: looked_at
-- The accounts whose silences may be others than those that are recorded: they wrote since, their
-- silence has become long enough since, or the former publication did not hold them.
CREATE TEMPORARY TABLE looked_at ON COMMIT DROP AS
SELECT account_id::text AS account_id
FROM feedback_enriched
WHERE account_id::text <> ''
  AND created_at >= %(since)s AND created_at < %(as_of)s
UNION
SELECT account_id::text
FROM feedback_enriched
WHERE account_id::text <> ''
  AND created_at >= greatest(%(quiet_since)s, %(earliest)s) AND created_at < %(quiet_until)s
UNION
SELECT account_id
FROM tens_insight.account_risk_score_history AS score
WHERE publication_id > %(former_publication_id)s
  AND NOT EXISTS (SELECT FROM tens_insight.account_risk_score_history AS former
                  WHERE former.account_id = score.account_id
                    AND former.publication_id = %(former_publication_id)s)

-- name: drop_silence_mark
DELETE FROM tens_insight.silence_marks WHERE label_source = %(label_source)s

-- name: keep_silence_mark
INSERT INTO tens_insight.silence_marks
    (label_source, as_of, whole_as_of, publication_id, oldest, silence_days, feedback_rows, digest,
     departures)
SELECT %(label_source)s, %(as_of)s, %(whole_as_of)s, %(publication_id)s, %(oldest)s,
       %(silence_days)s, %(feedback_rows)s, %(digest)s,
       (SELECT count(*) FROM tens_insight.account_departures
        WHERE label_source = %(label_source)s)

-- name: of_looked_at
-- A condition.
account_id::text IN (SELECT looked_at.account_id FROM looked_at)

-- name: departures_by_silence
-- The silences of the accounts that were ever scored: from one microsecond after a row up to the
-- next one, as labels have it.
CREATE TEMPORARY TABLE found_departures ON COMMIT DROP AS
SELECT account_id, gone_from, gone_until
FROM (SELECT account_id::text AS account_id,
             created_at + interval '1 microsecond' AS gone_from,
             coalesce(lead(created_at) OVER (PARTITION BY account_id::text ORDER BY created_at),
                      'infinity') AS gone_until
      FROM feedback_enriched
      WHERE account_id::text <> ''
        AND created_at >= %(earliest)s
        AND created_at < %(as_of)s
        AND {of_looked_at}) AS spaced
WHERE gone_from + make_interval(hours => 24 * %(silence_days)s) <= least(gone_until, %(as_of)s)
  AND gone_until > %(oldest)s
  AND EXISTS (SELECT FROM tens_insight.account_risk_score_history AS score
              WHERE score.account_id = spaced.account_id)

-- name: changed_departures
-- What differs between what was recorded and what was found now: when the difference begins and
-- ends, by account. A silence is churn when it is long enough, not before.
CREATE TEMPORARY TABLE changed_departures ON COMMIT DROP AS
SELECT account_id,
       CASE WHEN former.gone_from = found.gone_from
            THEN least(former.gone_until, found.gone_until)
            WHEN %(label_source)s = 'inactivity'
            THEN gone_from + make_interval(hours => 24 * %(silence_days)s) - interval '1 microsecond'
            ELSE gone_from END AS begins,
       greatest(former.gone_until, found.gone_until) AS ends
FROM (SELECT account_id, gone_from, gone_until
      FROM tens_insight.account_departures
      WHERE label_source = %(label_source)s AND gone_until >= %(oldest)s
        AND {of_looked_at}) AS former
FULL JOIN found_departures AS found USING (account_id, gone_from)
WHERE former.gone_until IS DISTINCT FROM found.gone_until

-- name: withdrawn_share
-- How many departures were recorded of accounts that are still known, and are not found any more.
SELECT count(*) AS recorded,
       count(*) FILTER (WHERE NOT EXISTS (
           SELECT FROM found_departures AS found
           WHERE found.account_id = former.account_id AND found.gone_from = former.gone_from))
           AS withdrawn
FROM tens_insight.account_departures AS former
WHERE label_source = %(label_source)s
  AND gone_until >= %(oldest)s
  AND {of_looked_at}
  AND EXISTS (SELECT FROM tens_insight.account_risk_score_history AS score
              WHERE score.account_id = former.account_id)

-- name: keep_unknown_departures
-- Where the ground truth does not know who left, what was recorded before holds.
INSERT INTO found_departures (account_id, gone_from, gone_until)
SELECT account_id, gone_from, gone_until
FROM tens_insight.account_departures AS former
JOIN unnest(%(begins)s::timestamptz[], %(ends)s::timestamptz[]) AS hidden (begins, ends)
     ON gone_from >= begins AND gone_from < ends
WHERE label_source = %(label_source)s
  AND gone_until >= %(oldest)s
  AND NOT EXISTS (SELECT FROM found_departures AS found
                  WHERE found.account_id = former.account_id
                    AND found.gone_from = former.gone_from)

-- name: left_at
-- A FROM item: when an account left within a window, by a table of departures; NULL if it did not.
LATERAL (
    SELECT min(CASE %(label_source)s
               WHEN 'inactivity' THEN greatest(gone.gone_from, scored.as_of) + scored.silence
               ELSE gone.gone_from END) AS left_at
    FROM {departures} AS gone
    WHERE gone.account_id = scored.account_id
      AND {own}
      AND CASE %(label_source)s
          WHEN 'inactivity'
          THEN greatest(gone.gone_from, scored.as_of) + scored.silence
               <= least(gone.gone_until, scored.closed_at)
          ELSE gone.gone_from >= scored.as_of AND gone.gone_from < scored.closed_at END
) AS {alias}

-- name: corrections
-- The outcomes that what was found now changes, by window: how many in all, how many more left,
-- and how many of these were unknown.
SELECT scored.publication_id, scored.horizon_days,
       count(*) AS rows,
       sum((now.left_at IS NOT NULL)::integer - (former.left_at IS NOT NULL)::integer)::bigint
           AS more_left,
       sum(CASE WHEN scored.not_known IS NOT NULL OR missing.account_id IS NOT NULL
                THEN (former.left_at IS NOT NULL)::integer - (now.left_at IS NOT NULL)::integer
                ELSE 0 END)::bigint AS more_unknown
FROM (SELECT DISTINCT closed.publication_id, closed.horizon_days, closed.closed_at,
             closed.measured_as_of, closed.not_known, run.as_of, score.account_id,
             make_interval(hours => 24 * run.horizon_days) AS silence
      FROM changed_departures AS changed
      JOIN tens_insight.outcome_windows AS closed
           ON closed.closed_at > changed.begins AND closed.label_source = %(label_source)s
      JOIN tens_insight.publications AS run
           ON run.publication_id = closed.publication_id AND run.as_of <= changed.ends
      JOIN tens_insight.account_risk_score_history AS score
           ON score.account_id = changed.account_id
          AND score.publication_id = closed.publication_id) AS scored
CROSS JOIN {former}
CROSS JOIN {now}
LEFT JOIN tens_insight.missing_accounts AS missing
       ON missing.account_id = scored.account_id
      AND missing.missing_from <= scored.measured_as_of
WHERE now.left_at IS DISTINCT FROM former.left_at
GROUP BY 1, 2

-- name: correct_window
UPDATE tens_insight.outcome_windows
SET accounts_left = accounts_left + %(more_left)s,
    accounts_unknown = accounts_unknown + %(more_unknown)s,
    accounts_stayed = accounts_stayed - %(more_left)s - %(more_unknown)s,
    corrected_at = now(),
    rows_corrected = rows_corrected + %(rows)s
WHERE publication_id = %(publication_id)s AND horizon_days = %(horizon_days)s

-- name: drop_departures
-- Removes what is not found any more, or is older than every score that is kept.
DELETE FROM tens_insight.account_departures AS former
WHERE label_source = %(label_source)s
  AND ({of_looked_at} OR gone_until <= %(oldest)s)
  AND NOT EXISTS (SELECT FROM found_departures AS found
                  WHERE found.account_id = former.account_id
                    AND found.gone_from = former.gone_from)

-- name: keep_departures
INSERT INTO tens_insight.account_departures AS former
    (account_id, label_source, gone_from, gone_until)
SELECT account_id, %(label_source)s, gone_from, gone_until
FROM found_departures
ORDER BY account_id, gone_from
ON CONFLICT (account_id, label_source, gone_from) DO UPDATE
SET gone_until = EXCLUDED.gone_until, recorded_at = now()
WHERE former.gone_until <> EXCLUDED.gone_until

-- name: looked_for
-- Accounts of publications that are to be measured which this run did not score, and those that
-- were missing before: whether there is feedback of them.
CREATE TEMPORARY TABLE looked_for ON COMMIT DROP AS
SELECT account_id, missed,
       EXISTS (SELECT FROM feedback_enriched AS feedback
               WHERE feedback.account_id::text = sought.account_id
                 AND feedback.created_at >= %(earliest)s
                 AND feedback.created_at < %(as_of)s) AS there
FROM (SELECT account_id, bool_or(missed) AS missed
      FROM (SELECT account_id, false AS missed
            FROM tens_insight.account_risk_score_history AS score
            WHERE publication_id = ANY(%(publications)s)
              AND NOT EXISTS (SELECT FROM tens_insight.account_risk_score_history AS present
                              WHERE present.account_id = score.account_id
                                AND present.publication_id = %(publication_id)s)
            UNION ALL
            SELECT account_id, true FROM tens_insight.missing_accounts) AS named
      GROUP BY account_id) AS sought

-- name: found_again
-- The outcomes that are known because feedback of an account is there again, by window.
SELECT closed.publication_id, closed.horizon_days, count(*) AS rows, 0 AS more_left,
       -count(*) AS more_unknown
FROM looked_for AS again
JOIN tens_insight.missing_accounts AS missing USING (account_id)
JOIN tens_insight.score_outcomes AS outcome USING (account_id)
JOIN tens_insight.outcome_windows AS closed USING (publication_id, horizon_days)
WHERE again.there
  AND again.missed
  AND outcome.outcome = 'unknown'
  AND closed.not_known IS NULL
GROUP BY 1, 2

-- name: forget_missing
DELETE FROM tens_insight.missing_accounts AS missing
WHERE EXISTS (SELECT FROM looked_for AS again
              WHERE again.account_id = missing.account_id AND again.there)
   OR NOT EXISTS (SELECT FROM tens_insight.account_risk_score_history AS score
                  WHERE score.account_id = missing.account_id)

-- name: keep_missing
INSERT INTO tens_insight.missing_accounts (account_id, missing_from)
SELECT account_id, %(as_of)s FROM looked_for WHERE NOT there
ON CONFLICT (account_id) DO NOTHING

-- name: measure
-- Counts the outcomes of windows that are over, each once.
INSERT INTO tens_insight.outcome_windows AS former
    (publication_id, horizon_days, label_source, closed_at, measured_as_of, run_id, not_known,
     accounts, accounts_left, accounts_unknown, accounts_stayed)
SELECT scored.publication_id, scored.horizon_days, scored.label_source, scored.closed_at,
       %(as_of)s, %(run_id)s, scored.not_known, counted.accounts, gone.accounts, unknown.accounts,
       counted.accounts - gone.accounts - unknown.accounts
FROM (SELECT due.publication_id, due.horizon_days, due.not_known, run.label_source, run.as_of,
             run.rows_written, make_interval(hours => 24 * run.horizon_days) AS silence,
             run.as_of + make_interval(hours => 24 * due.horizon_days) AS closed_at
      FROM unnest(%(publications)s::bigint[], %(horizons)s::integer[], %(not_known)s::text[])
          AS due (publication_id, horizon_days, not_known)
      JOIN tens_insight.publications AS run USING (publication_id)) AS scored
CROSS JOIN LATERAL (
    SELECT CASE WHEN scored.not_known = 'history lost' THEN scored.rows_written
                ELSE count(*) END AS accounts
    FROM tens_insight.account_risk_score_history AS score
    WHERE score.publication_id = scored.publication_id) AS counted
CROSS JOIN LATERAL (
    SELECT count(DISTINCT departed.account_id) AS accounts
    FROM tens_insight.account_departures AS departed
    JOIN tens_insight.account_risk_score_history AS score
         ON score.account_id = departed.account_id
        AND score.publication_id = scored.publication_id
    WHERE departed.label_source = scored.label_source
      AND CASE scored.label_source
          WHEN 'inactivity'
          THEN greatest(departed.gone_from, scored.as_of) + scored.silence
               <= least(departed.gone_until, scored.closed_at)
          ELSE departed.gone_from >= scored.as_of AND departed.gone_from < scored.closed_at
          END) AS gone
CROSS JOIN LATERAL (
    SELECT CASE WHEN scored.not_known IS NOT NULL THEN counted.accounts - gone.accounts
                ELSE count(*) END AS accounts
    FROM tens_insight.missing_accounts AS missing
    JOIN tens_insight.account_risk_score_history AS score
         ON score.account_id = missing.account_id
        AND score.publication_id = scored.publication_id
    WHERE NOT EXISTS (
        SELECT FROM tens_insight.account_departures AS departed
        WHERE departed.account_id = missing.account_id
          AND departed.label_source = scored.label_source
          AND CASE scored.label_source
              WHEN 'inactivity'
              THEN greatest(departed.gone_from, scored.as_of) + scored.silence
                   <= least(departed.gone_until, scored.closed_at)
              ELSE departed.gone_from >= scored.as_of AND departed.gone_from < scored.closed_at
              END)) AS unknown
ON CONFLICT (publication_id, horizon_days) DO UPDATE
SET measured_as_of = EXCLUDED.measured_as_of,
    run_id = EXCLUDED.run_id,
    not_known = EXCLUDED.not_known,
    accounts = EXCLUDED.accounts,
    accounts_left = EXCLUDED.accounts_left,
    accounts_unknown = EXCLUDED.accounts_unknown,
    accounts_stayed = EXCLUDED.accounts_stayed,
    corrected_at = now(),
    rows_corrected = former.rows_corrected
        + abs(EXCLUDED.accounts_unknown - former.accounts_unknown)
WHERE former.not_known IS DISTINCT FROM EXCLUDED.not_known
RETURNING publication_id, horizon_days, not_known, accounts, accounts_left AS left_count,
          accounts_unknown AS unknown_count, corrected_at IS NOT NULL AS again

-- name: to_judge
-- Of windows, those whose performance is measured: of publications that are the first of their week
-- or month (UTC), and those that were measured before.
SELECT due.publication_id, due.horizon_days, run.horizon_days = due.horizon_days AS is_main,
       run.as_of, run.model_version
FROM unnest(%(publications)s::bigint[], %(horizons)s::integer[])
    AS due (publication_id, horizon_days)
JOIN tens_insight.outcome_windows AS closed USING (publication_id, horizon_days)
JOIN tens_insight.publications AS run USING (publication_id)
WHERE closed.not_known IS NULL
  AND closed.accounts_left + closed.accounts_stayed > 0
  AND (EXISTS (SELECT FROM tens_insight.model_performance AS former
               WHERE former.publication_id = due.publication_id
                 AND former.horizon_days = due.horizon_days
                 AND former.kind = 'realised')
       OR EXISTS (
           SELECT FROM unnest(ARRAY['week', 'month']) AS period
           WHERE NOT EXISTS (
               SELECT FROM tens_insight.publications AS earlier
               WHERE earlier.target_table = 'account_risk_scores'
                 AND earlier.kind = 'published'
                 AND earlier.undone_at IS NULL
                 AND date_trunc(period, earlier.as_of AT TIME ZONE 'UTC')
                     = date_trunc(period, run.as_of AT TIME ZONE 'UTC')
                 AND (earlier.as_of, earlier.publication_id) < (run.as_of, run.publication_id))))
ORDER BY run.as_of, due.publication_id, due.horizon_days

-- name: judged_scores
-- The scores of one window whose outcome is known, and what they are divided by, as far as that
-- was kept.
SELECT (outcome.outcome = 'left')::integer AS left, {probability}::float8 AS probability,
       score.risk_category::text AS band, {slices}, ({held_out})::integer AS held_out,
       ({acted})::integer AS acted
FROM tens_insight.score_outcomes AS outcome
JOIN tens_insight.account_risk_score_history AS score USING (publication_id, account_id)
{parts}
WHERE publication_id = %(publication_id)s
  AND outcome.horizon_days = %(horizon_days)s
  AND outcome.outcome <> 'unknown'
ORDER BY account_id COLLATE "C"

-- name: acted_upon
-- The condition that somebody acted upon an account within the window.
EXISTS (SELECT FROM {table} AS action
        WHERE action.{account_column}::text = score.account_id
          AND action.{date_column} >= %(as_of)s
          AND action.{date_column} < outcome.closed_at)

-- name: acted_by_kind
-- What was done how often: accounts above low that were acted upon within the window, by kind.
SELECT coalesce(action.{kind_column}::text, '') AS kind,
       count(DISTINCT score.account_id) AS accounts
FROM {table} AS action
JOIN tens_insight.account_risk_score_history AS score
     ON score.account_id = action.{account_column}::text
    AND score.publication_id = %(publication_id)s
WHERE score.risk_category <> 'low'
  AND action.{date_column} >= %(as_of)s
  AND action.{date_column} < %(as_of)s + make_interval(hours => 24 * %(horizon_days)s)
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT %(most)s

-- name: holdout_of
SELECT holdout FROM tens_insight.publications WHERE publication_id = %(publication_id)s

-- name: place_of_horizon
-- At which place of its probabilities a publication has a horizon; NULL where they are not kept.
SELECT array_position(horizons, %(horizon_days)s)
FROM tens_insight.contribution_layouts
WHERE publication_id = %(publication_id)s

-- name: drop_undone_performance
DELETE FROM tens_insight.model_performance AS performance
USING tens_insight.publications AS run
WHERE run.publication_id = performance.publication_id AND run.undone_at IS NOT NULL

-- name: drop_performance
DELETE FROM tens_insight.model_performance
WHERE publication_id = %(publication_id)s
  AND horizon_days = %(horizon_days)s
  AND kind = %(kind)s

-- name: append_performance
INSERT INTO tens_insight.model_performance
    (publication_id, horizon_days, kind, slice, slice_value, band, metric, value, low, high,
     model_version, as_of)
SELECT %(publication_id)s, %(horizon_days)s, %(kind)s, slice, slice_value, band, metric, value,
       low, high, %(model_version)s, %(as_of)s
FROM unnest(%(slice)s::text[], %(slice_value)s::text[], %(band)s::text[], %(metric)s::text[],
            %(value)s::float8[], %(low)s::float8[], %(high)s::float8[])
    AS one (slice, slice_value, band, metric, value, low, high)

-- name: progress
-- How far outcomes are: windows that are over by the newest as_of, and of these those measured.
SELECT count(*) AS windows,
       count(*) FILTER (WHERE closes_at <= newest OR closed.publication_id IS NOT NULL) AS over,
       count(*) FILTER (WHERE closed.publication_id IS NOT NULL) AS measured,
       count(*) FILTER (WHERE closed.not_known IS NOT NULL) AS not_known,
       coalesce(sum(closed.rows_corrected), 0)::bigint AS rows_corrected,
       min(closes_at) FILTER (WHERE closes_at > newest AND closed.publication_id IS NULL)
           AS next_closes_at,
       (array_agg(horizon_days ORDER BY closes_at)
            FILTER (WHERE closes_at > newest AND closed.publication_id IS NULL))[1]
           AS next_horizon_days,
       max(newest) AS as_of
FROM (SELECT run.publication_id, served.days AS horizon_days,
             run.as_of + make_interval(hours => 24 * served.days) AS closes_at,
             max(run.as_of) OVER () AS newest
      FROM tens_insight.score_windows AS run
      CROSS JOIN unnest(run.horizons) AS served (days)
      WHERE run.kind = 'published' AND NOT run.undone) AS run
LEFT JOIN tens_insight.outcome_windows AS closed USING (publication_id, horizon_days)

-- name: performance_by_month
-- Performance by model and month (UTC): the mean of its publications, of values and of the ends of
-- their intervals. Publications of a month share most accounts, so their mean is hardly more
-- certain than one of them.
SELECT performance.model_version,
       to_char(date_trunc('month', performance.as_of AT TIME ZONE 'UTC'), 'YYYY-MM') AS month,
       performance.horizon_days, performance.kind, performance.slice, performance.slice_value,
       performance.band, performance.metric, count(*) AS publications,
       avg(performance.value) AS value, avg(performance.low) AS low, avg(performance.high) AS high
FROM tens_insight.model_performance AS performance
JOIN tens_insight.score_windows AS run USING (publication_id)
WHERE NOT run.undone
  AND (%(horizon_days)s::integer IS NULL AND run.horizon_days = performance.horizon_days
       OR performance.horizon_days = %(horizon_days)s)
  AND (%(model_version)s::text IS NULL
       OR starts_with(performance.model_version, %(model_version)s))
  AND (%(slice)s::text IS NULL OR performance.slice = %(slice)s)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
ORDER BY 2, 1, 3, 4, 5, 6

-- name: performance_course
-- Performance of each publication on all its accounts, at the horizon of churn_probability.
SELECT performance.publication_id, performance.as_of, performance.model_version,
       performance.horizon_days, performance.kind, performance.band, performance.metric,
       performance.value, performance.low, performance.high
FROM tens_insight.model_performance AS performance
JOIN tens_insight.score_windows AS run USING (publication_id, horizon_days)
WHERE NOT run.undone AND performance.slice = 'overall'
ORDER BY performance.as_of, performance.publication_id, performance.kind, performance.band,
         performance.metric

-- name: missed_churn
-- Accounts that left with a low score, newest first.
SELECT account_id, left_at, publication_id, horizon_days, as_of, model_version, churn_probability,
       customer_tier, region, silence_state, reasons, events_after, negative_after, neutral_after,
       positive_after, critical_after, count(*) OVER () AS matching
FROM tens_insight.missed_churn
WHERE (%(model_version)s::text IS NULL OR starts_with(model_version, %(model_version)s))
  AND (%(since)s::timestamptz IS NULL OR left_at >= %(since)s)
ORDER BY left_at DESC, account_id COLLATE "C"
LIMIT %(limit)s

-- name: count_missed
SELECT count(*)
FROM tens_insight.missed_churn
WHERE %(model_version)s::text IS NULL OR starts_with(model_version, %(model_version)s)

-- name: note_missed
-- Notes who left within a window with the band low, once each, and what feedback came until then.
INSERT INTO tens_insight.missed_churn
    (account_id, left_at, publication_id, horizon_days, as_of, model_version, churn_probability,
     customer_tier, region, silence_state, reasons, events_after, negative_after, neutral_after,
     positive_after, critical_after)
SELECT missed.account_id, missed.left_at, missed.publication_id, missed.horizon_days, missed.as_of,
       missed.model_version, missed.churn_probability, missed.customer_tier, missed.region,
       missed.silence_state, missed.reasons,
       count(feedback.created_at),
       count(*) FILTER (WHERE feedback.sentiment::text = 'negative'),
       count(*) FILTER (WHERE feedback.sentiment::text = 'neutral'),
       count(*) FILTER (WHERE feedback.sentiment::text = 'positive'),
       count(*) FILTER (WHERE feedback.priority >= %(critical_priority)s)
FROM (SELECT outcome.account_id, outcome.left_at, outcome.publication_id, outcome.horizon_days,
             run.as_of, score.model_version, score.churn_probability, {parts}
      FROM tens_insight.score_outcomes AS outcome
      JOIN tens_insight.publications AS run USING (publication_id)
      JOIN tens_insight.account_risk_score_history AS score USING (publication_id, account_id)
      {from_parts}
      WHERE outcome.publication_id = %(publication_id)s
        AND outcome.horizon_days = %(horizon_days)s
        AND outcome.outcome = 'left'
        AND score.risk_category = 'low'
        AND NOT EXISTS (
            SELECT FROM tens_insight.missed_churn AS former
            WHERE former.account_id = outcome.account_id
              AND former.left_at BETWEEN outcome.left_at
                      - make_interval(hours => 24 * outcome.horizon_days)
                  AND outcome.left_at + make_interval(hours => 24 * outcome.horizon_days))
      ) AS missed
LEFT JOIN feedback_enriched AS feedback
       ON feedback.account_id::text = missed.account_id
      AND feedback.created_at >= missed.as_of
      AND feedback.created_at < missed.left_at
GROUP BY missed.account_id, missed.left_at, missed.publication_id, missed.horizon_days,
         missed.as_of, missed.model_version, missed.churn_probability, missed.customer_tier,
         missed.region, missed.silence_state, missed.reasons
ON CONFLICT (account_id, left_at) DO NOTHING

-- name: drop_missed
-- Removes who did not leave then after all, of windows that were corrected, and those whose score
-- is not kept any more or was undone.
DELETE FROM tens_insight.missed_churn AS missed
USING tens_insight.publications AS run
WHERE run.publication_id = missed.publication_id
  AND (run.undone_at IS NOT NULL
       OR run.dropped_up_to IS NOT NULL
       OR run.publication_id = ANY(%(publications)s)
          AND NOT EXISTS (SELECT FROM tens_insight.score_outcomes AS outcome
                          WHERE outcome.publication_id = missed.publication_id
                            AND outcome.account_id = missed.account_id
                            AND outcome.horizon_days = missed.horizon_days
                            AND outcome.left_at = missed.left_at))

-- name: foreseen_publication
-- A publication of scores that counts, and for how many days it speaks.
SELECT publication_id, as_of, model_version, horizon_days, horizons
FROM tens_insight.publications
WHERE publication_id = %(publication_id)s
  AND target_table = 'account_risk_scores'
  AND kind = 'published'
  AND undone_at IS NULL
  AND horizon_days IS NOT NULL

-- name: foreseen_scores
-- The scores of a publication with their details, which are kept of the newest ones.
SELECT {probabilities}, score.risk_category::text AS band, detail.customer_tier, detail.region,
       detail.silence_state
FROM tens_insight.account_risk_score_history AS score
JOIN tens_insight.account_risk_detail_history AS detail USING (publication_id, account_id)
WHERE publication_id = %(publication_id)s
ORDER BY account_id COLLATE "C"

-- name: estimate_of_publication
-- What is expected of a publication at the horizon of churn_probability, over all accounts.
SELECT performance.metric, performance.value, performance.low, performance.high
FROM tens_insight.model_performance AS performance
JOIN tens_insight.publications AS run USING (publication_id, horizon_days)
WHERE publication_id = %(publication_id)s AND performance.kind = 'estimated'
  AND performance.slice = 'overall' AND performance.band = ''
  AND performance.metric = ANY (%(metrics)s)

-- name: longer_open_horizons
-- Horizons of a publication that are not measured, and of which this closed one is the newest that
-- is known.
SELECT served.days
FROM tens_insight.publications AS run
CROSS JOIN unnest(run.horizons) AS served (days)
WHERE run.publication_id = %(publication_id)s
  AND served.days > %(horizon_days)s
  AND NOT EXISTS (SELECT FROM tens_insight.outcome_windows AS closed
                  WHERE closed.publication_id = run.publication_id
                    AND closed.horizon_days > %(horizon_days)s
                    AND closed.horizon_days <= served.days
                    AND closed.not_known IS NULL)
ORDER BY served.days

-- name: kept_outcomes
-- Who left within a closed window of those that were there after so many days, beside what was
-- published.
SELECT (outcome.outcome = 'left')::integer AS left, {probabilities},
       score.risk_category::text AS band, {slices}
FROM tens_insight.score_outcomes AS outcome
JOIN tens_insight.account_risk_score_history AS score USING (publication_id, account_id)
LEFT JOIN tens_insight.account_contributions AS part USING (publication_id, account_id)
WHERE publication_id = %(publication_id)s
  AND outcome.horizon_days = %(closed_days)s
  AND outcome.outcome <> 'unknown'
  AND coalesce(outcome.left_at >= %(as_of)s + make_interval(hours => 24 * %(after_days)s), true)
ORDER BY account_id COLLATE "C"

-- name: calibration_lines
-- How far the log-odds of windows were off that had closed, newest first.
SELECT run.model_version, run.as_of,
       max(performance.value) FILTER (WHERE metric = %(centre)s) AS centre,
       max(performance.value) FILTER (WHERE metric = %(intercept)s) AS intercept,
       max(performance.low) FILTER (WHERE metric = %(intercept)s) AS intercept_low,
       max(performance.value) FILTER (WHERE metric = %(slope)s) AS slope,
       max(performance.low) FILTER (WHERE metric = %(slope)s) AS slope_low
FROM tens_insight.model_performance AS performance
JOIN tens_insight.publications AS run USING (publication_id)
WHERE performance.kind = 'realised'
  AND performance.slice = 'overall'
  AND performance.band = ''
  AND performance.horizon_days = %(horizon_days)s
  AND performance.metric IN (%(centre)s, %(intercept)s, %(slope)s)
  AND run.undone_at IS NULL
  AND run.as_of + make_interval(hours => 24 * performance.horizon_days) <= %(as_of)s
GROUP BY run.publication_id
HAVING count(*) = 3
ORDER BY run.as_of DESC, run.publication_id DESC

-- name: drop_daily_estimates
-- Of what was estimated, that of the first publication of a week or month (UTC) is kept, and that
-- of the last days.
DELETE FROM tens_insight.model_performance AS performance
USING tens_insight.publications AS run
WHERE run.publication_id = performance.publication_id
  AND performance.kind = 'estimated'
  AND run.as_of < %(as_of)s - interval '8 days'
  AND EXISTS (
      SELECT FROM tens_insight.publications AS earlier
      WHERE earlier.target_table = 'account_risk_scores'
        AND earlier.kind = 'published'
        AND earlier.undone_at IS NULL
        AND date_trunc('week', earlier.as_of AT TIME ZONE 'UTC')
            = date_trunc('week', run.as_of AT TIME ZONE 'UTC')
        AND (earlier.as_of, earlier.publication_id) < (run.as_of, run.publication_id))
  AND EXISTS (
      SELECT FROM tens_insight.publications AS earlier
      WHERE earlier.target_table = 'account_risk_scores'
        AND earlier.kind = 'published'
        AND earlier.undone_at IS NULL
        AND date_trunc('month', earlier.as_of AT TIME ZONE 'UTC')
            = date_trunc('month', run.as_of AT TIME ZONE 'UTC')
        AND (earlier.as_of, earlier.publication_id) < (run.as_of, run.publication_id))
