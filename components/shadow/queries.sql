-- name: publication_counts
-- Whether a publication of account scores counts; no row if there is none.
SELECT undone_at IS NULL
FROM tens_insight.publications
WHERE publication_id = %(publication_id)s AND target_table = 'account_risk_scores'

-- name: drop_shadows
-- All shadow scores of a publication, and the lines about them.
WITH lines AS (
    DELETE FROM tens_insight.shadow_models WHERE publication_id = %(publication_id)s
)
DELETE FROM tens_insight.shadow_scores WHERE publication_id = %(publication_id)s

-- name: append_shadow_scores
-- Of staged rows those of accounts that the publication holds: one that was forgotten meanwhile does
-- not come back.
INSERT INTO tens_insight.shadow_scores (publication_id, place, account_id, probabilities)
SELECT %(publication_id)s, staged.place, staged.account_id, staged.probabilities
FROM {staging} AS staged
JOIN tens_insight.account_risk_score_history AS score
     ON score.publication_id = %(publication_id)s AND score.account_id = staged.account_id
ORDER BY staged.place, staged.account_id

-- name: append_shadow_models
INSERT INTO tens_insight.shadow_models
    (publication_id, place, model_version, role, horizons, horizon_days, accounts)
SELECT %(publication_id)s, %(place)s, %(model_version)s, %(role)s, %(horizons)s, %(horizon_days)s,
       count(*)
FROM tens_insight.shadow_scores
WHERE publication_id = %(publication_id)s AND place = %(place)s

-- name: kept_shadows
-- Which shadow scores are kept.
SELECT shadow.publication_id, shadow.model_version, run.as_of, run.undone_at IS NOT NULL AS undone,
       (SELECT max(days) FROM unnest(shadow.horizons) AS served (days)) AS longest_horizon
FROM tens_insight.shadow_models AS shadow
JOIN tens_insight.publications AS run USING (publication_id)
WHERE shadow.kept

-- name: newest_as_of
SELECT max(as_of)
FROM tens_insight.publications
WHERE target_table = 'account_risk_scores' AND undone_at IS NULL

-- name: drop_expired
WITH lines AS (
    UPDATE tens_insight.shadow_models SET kept = false WHERE publication_id = ANY (%(expired)s)
)
DELETE FROM tens_insight.shadow_scores WHERE publication_id = ANY (%(expired)s)

-- name: recorded_shadows
-- Models that scored without being published, each with how often, and how much of it is kept.
SELECT shadow.model_version, count(*) AS publications,
       count(*) FILTER (WHERE shadow.kept) AS kept,
       count(*) FILTER (WHERE shadow.kept AND closed.not_known IS NULL
                          AND closed.publication_id IS NOT NULL) AS closed,
       (array_agg(shadow.accounts ORDER BY run.as_of DESC, run.publication_id DESC))[1] AS accounts,
       min(run.as_of) AS first_as_of, max(run.as_of) AS last_as_of
FROM tens_insight.shadow_models AS shadow
JOIN tens_insight.publications AS run USING (publication_id)
LEFT JOIN tens_insight.outcome_windows AS closed
       ON closed.publication_id = run.publication_id
      AND closed.horizon_days = shadow.horizon_days
WHERE run.undone_at IS NULL
GROUP BY shadow.model_version
ORDER BY shadow.model_version

-- name: paired_windows
-- Publications whose window is closed and of which probabilities of both models are kept; in order
-- of closing. in_sequence: the first of a month (UTC) with one of the models in shadow, which is
-- kept as long as the history.
SELECT closed.publication_id, run.as_of, closed.closed_at,
       run.horizon_days = closed.horizon_days AS is_main,
       array_position(layout.horizons, closed.horizon_days) AS published_at_place,
       said.a_published, said.b_published,
       a.place AS a_shadow, array_position(a.horizons, closed.horizon_days) AS a_at_place,
       b.place AS b_shadow, array_position(b.horizons, closed.horizon_days) AS b_at_place,
       EXISTS (
           SELECT FROM (VALUES (%(a)s), (%(b)s)) AS one (version)
           JOIN tens_insight.shadow_models AS own
                ON own.publication_id = closed.publication_id AND own.model_version = one.version
           WHERE NOT EXISTS (
               SELECT FROM tens_insight.shadow_models AS former
               JOIN tens_insight.publications AS earlier USING (publication_id)
               WHERE former.model_version = one.version
                 AND earlier.undone_at IS NULL
                 AND date_trunc('month', earlier.as_of AT TIME ZONE 'UTC')
                     = date_trunc('month', run.as_of AT TIME ZONE 'UTC')
                 AND (earlier.as_of, earlier.publication_id) < (run.as_of, run.publication_id)))
           AS in_sequence
FROM tens_insight.outcome_windows AS closed
JOIN tens_insight.publications AS run USING (publication_id)
LEFT JOIN tens_insight.contribution_layouts AS layout USING (publication_id)
LEFT JOIN tens_insight.shadow_models AS a
       ON a.publication_id = closed.publication_id AND a.model_version = %(a)s AND a.kept
LEFT JOIN tens_insight.shadow_models AS b
       ON b.publication_id = closed.publication_id AND b.model_version = %(b)s AND b.kept
CROSS JOIN LATERAL (
    SELECT %(a)s IN (run.model_version, run.split ->> 'b') AS a_published,
           %(b)s IN (run.model_version, run.split ->> 'b') AS b_published) AS said
WHERE closed.horizon_days = %(horizon_days)s
  AND closed.not_known IS NULL
  AND run.target_table = 'account_risk_scores'
  AND run.kind = 'published'
  AND run.undone_at IS NULL
  AND run.dropped_up_to IS NULL
ORDER BY closed.closed_at, run.as_of, closed.publication_id

-- name: paired_rows
-- The known outcomes of one window beside what both models said, NULL where one said nothing. Both
-- in 32 bits, so that two copies of one model say the same.
SELECT outcome.account_id, (outcome.outcome = 'left')::integer AS left, {a} AS a, {b} AS b
FROM tens_insight.score_outcomes AS outcome
JOIN tens_insight.account_risk_score_history AS score USING (publication_id, account_id)
LEFT JOIN tens_insight.account_contributions AS part USING (publication_id, account_id)
LEFT JOIN tens_insight.shadow_scores AS a
       ON a.publication_id = %(publication_id)s AND a.place = %(a_shadow)s
      AND a.account_id = outcome.account_id
LEFT JOIN tens_insight.shadow_scores AS b
       ON b.publication_id = %(publication_id)s AND b.place = %(b_shadow)s
      AND b.account_id = outcome.account_id
WHERE outcome.publication_id = %(publication_id)s
  AND outcome.horizon_days = %(horizon_days)s
  AND outcome.outcome <> 'unknown'
ORDER BY outcome.account_id COLLATE "C"

-- name: splits
-- The splits by which accounts were scored, newest first: what the log of publications says of each.
SELECT (run.split ->> 'number')::integer AS number, run.split ->> 'salt' AS salt,
       run.split ->> 'a' AS a, run.split ->> 'b' AS b, (run.split ->> 'share')::float8 AS share,
       run.horizon_days, count(*) AS publications,
       min(run.as_of) AS first_as_of, max(run.as_of) AS last_as_of,
       (array_agg((run.split ->> 'accounts_a')::bigint
                  ORDER BY run.as_of DESC, run.publication_id DESC))[1] AS accounts_a,
       (array_agg((run.split ->> 'accounts_b')::bigint
                  ORDER BY run.as_of DESC, run.publication_id DESC))[1] AS accounts_b
FROM tens_insight.publications AS run
WHERE run.target_table = 'account_risk_scores'
  AND run.kind = 'published'
  AND run.undone_at IS NULL
  AND run.split IS NOT NULL
  AND run.horizon_days IS NOT NULL
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY max(run.as_of) DESC, 1 DESC

-- name: split_windows
-- Publications of a split whose window is closed, the first one and the first of each month (UTC), in
-- the order of closing, each with those of the split that began before it.
SELECT run.publication_id, run.as_of, closed.closed_at,
       ARRAY(SELECT earlier.publication_id
             FROM tens_insight.publications AS earlier
             WHERE earlier.target_table = 'account_risk_scores'
               AND earlier.undone_at IS NULL
               AND earlier.split ->> 'salt' = %(salt)s
               AND (earlier.as_of, earlier.publication_id) < (run.as_of, run.publication_id))
           AS former
FROM tens_insight.publications AS run
JOIN tens_insight.outcome_windows AS closed
     ON closed.publication_id = run.publication_id AND closed.horizon_days = run.horizon_days
WHERE run.target_table = 'account_risk_scores'
  AND run.kind = 'published'
  AND run.undone_at IS NULL
  AND run.dropped_up_to IS NULL
  AND closed.not_known IS NULL
  AND run.horizon_days = %(horizon_days)s
  AND run.split ->> 'salt' = %(salt)s
  AND NOT EXISTS (
      SELECT FROM tens_insight.publications AS earlier
      WHERE earlier.target_table = 'account_risk_scores'
        AND earlier.undone_at IS NULL
        AND earlier.split ->> 'salt' = %(salt)s
        AND date_trunc('month', earlier.as_of AT TIME ZONE 'UTC')
            = date_trunc('month', run.as_of AT TIME ZONE 'UTC')
        AND (earlier.as_of, earlier.publication_id) < (run.as_of, run.publication_id))
ORDER BY closed.closed_at, run.as_of, run.publication_id

-- name: split_rows
-- The known outcomes of accounts that a split scored first in this publication.
SELECT (outcome.outcome = 'left')::integer AS left,
       (score.model_version = %(b)s)::integer AS is_second,
       score.churn_probability::float8 AS probability,
       (score.risk_category <> 'low')::integer AS flagged,
       ({acted})::integer AS acted
FROM tens_insight.score_outcomes AS outcome
JOIN tens_insight.account_risk_score_history AS score USING (publication_id, account_id)
WHERE publication_id = %(publication_id)s
  AND outcome.horizon_days = %(horizon_days)s
  AND outcome.outcome <> 'unknown'
  AND NOT EXISTS (SELECT FROM tens_insight.account_risk_score_history AS former
                  WHERE former.account_id = score.account_id
                    AND former.publication_id = ANY (%(former)s::bigint[]))
ORDER BY outcome.account_id COLLATE "C"
