-- name: publication
-- A publication of account scores, as far as events are concerned; no row where there is none.
SELECT run.as_of, run.risk_bands, run.undone_at IS NOT NULL AS undone,
       handled.publication_id IS NOT NULL AS handled,
       layout.publication_id IS NOT NULL AS has_parts
FROM tens_insight.publications AS run
LEFT JOIN tens_insight.event_publications AS handled USING (publication_id)
LEFT JOIN tens_insight.contribution_layouts AS layout USING (publication_id)
WHERE run.publication_id = %(publication_id)s AND run.target_table = 'account_risk_scores'

-- name: handled_before
-- The newest publication of a table that was handled before one and was not undone.
SELECT publication_id, run.risk_bands
FROM tens_insight.event_publications
JOIN tens_insight.publications AS run USING (publication_id)
WHERE run.target_table = %(table)s AND run.undone_at IS NULL
  AND publication_id < %(publication_id)s
ORDER BY publication_id DESC
LIMIT 1

-- name: areas_to_handle
-- The newest publication of the product areas that stands, if nobody has handled it.
SELECT newest.publication_id
FROM (SELECT publication_id
      FROM tens_insight.publications
      WHERE target_table = 'product_area_impact' AND undone_at IS NULL AND kind = 'published'
        AND as_of <= %(as_of)s
      ORDER BY publication_id DESC LIMIT 1) AS newest
WHERE NOT EXISTS (SELECT FROM tens_insight.event_publications AS handled
                  WHERE handled.publication_id = newest.publication_id)

-- name: told_today
SELECT count(*) AS events
FROM tens_insight.account_events
WHERE left_out IS NULL AND withdrawn_at IS NULL
  AND as_of >= %(day)s AND as_of < %(day)s + interval '1 day'

-- name: collect_events
-- Events that go on, beside what is known of their numbers: without it the planner takes them for
-- one, and goes through all scores for each.
DROP TABLE IF EXISTS pg_temp.events_going_on;
CREATE TEMPORARY TABLE events_going_on ON COMMIT DROP AS
SELECT event_id, account_id, kind, left_out
FROM tens_insight.account_events
WHERE kind IN ('entered high', 'entered critical', 'silent')
  AND ended_at IS NULL AND withdrawn_at IS NULL;
ANALYZE pg_temp.events_going_on

-- name: record_events
-- What changed since the publication that was handled before: a row for each account and cause.
WITH now AS (
    SELECT account_id, churn_probability AS p, risk_category AS category, model_version AS model,
           CASE risk_category WHEN 'critical' THEN 2 WHEN 'high' THEN 1 ELSE 0 END AS level
    FROM tens_insight.account_risk_score_history
    WHERE publication_id = %(scores)s
), former AS (
    SELECT account_id, churn_probability AS p, risk_category AS category, model_version AS model
    FROM tens_insight.account_risk_score_history
    WHERE publication_id = %(former_scores)s
), going_on AS (
    SELECT account_id,
           max(CASE kind WHEN 'entered critical' THEN 2 WHEN 'entered high' THEN 1 ELSE 0 END)
               AS level,
           bool_or(kind = 'silent') AS silent,
           bool_or(kind <> 'silent' AND left_out IS NULL) AS told
    FROM pg_temp.events_going_on
    GROUP BY account_id
), changed AS MATERIALIZED (
    SELECT account_id, now.p, now.category, now.model, now.level, former.p AS former_p,
           former.category AS former_category, former.model AS former_model,
           coalesce(going_on.level, 0) AS known_level, going_on.told
    FROM now
    LEFT JOIN former USING (account_id)
    LEFT JOIN going_on USING (account_id)
    WHERE now.level > coalesce(going_on.level, 0)
       OR now.p - former.p >= %(jump)s
       OR (going_on.level > 0 AND now.level = 0)
), entered AS (
    SELECT 'entered ' || category AS kind, account_id, former_p, p, former_category, category,
           model, p AS size,
           CASE WHEN former_model <> model THEN 'another model'
                WHEN former_p IS NOT NULL AND %(other_bands)s THEN 'another rule' END AS left_out
    FROM changed
    WHERE level > known_level
), jumped AS (
    SELECT 'jumped' AS kind, account_id, former_p, p, former_category, category, model,
           p - former_p AS size, NULL AS left_out
    FROM changed
    WHERE p - former_p >= %(jump)s AND former_model = model AND level <= known_level
      AND NOT EXISTS (SELECT FROM tens_insight.account_events AS one
                      WHERE one.account_id = changed.account_id AND one.kind = 'jumped'
                        AND one.withdrawn_at IS NULL AND one.as_of > %(quiet_since)s)
), recovered AS (
    SELECT 'recovered' AS kind, account_id, last_high.p AS former_p, changed.p,
           last_high.category AS former_category, changed.category, changed.model,
           (last_high.p - changed.p) / 2 AS size,
           CASE WHEN NOT told THEN 'not told before'
                WHEN first_below.model <> last_high.model THEN 'another model' END AS left_out
    FROM changed
    LEFT JOIN LATERAL (
        SELECT score.publication_id, run.as_of, score.churn_probability AS p,
               score.risk_category AS category, score.model_version AS model
        FROM tens_insight.account_risk_score_history AS score
        JOIN tens_insight.publications AS run USING (publication_id)
        WHERE score.account_id = changed.account_id AND publication_id < %(scores)s
          AND score.risk_category IN ('high', 'critical')
          AND run.undone_at IS NULL AND run.kind = 'published'
        ORDER BY publication_id DESC LIMIT 1) AS last_high ON true
    LEFT JOIN LATERAL (
        SELECT score.model_version AS model
        FROM tens_insight.account_risk_score_history AS score
        JOIN tens_insight.publications AS run USING (publication_id)
        WHERE score.account_id = changed.account_id
          AND publication_id > last_high.publication_id AND publication_id <= %(scores)s
          AND run.undone_at IS NULL AND run.kind = 'published'
        ORDER BY publication_id LIMIT 1) AS first_below ON true
    WHERE known_level > 0 AND level = 0
      AND coalesce(last_high.as_of <= %(quiet_since)s, true)
), newly_silent AS MATERIALIZED (
    SELECT account_id
    FROM tens_insight.account_contributions AS part
    WHERE publication_id = %(scores)s AND silence_state = 'silent'
      AND NOT EXISTS (SELECT FROM pg_temp.events_going_on AS known
                      WHERE known.account_id = part.account_id AND known.kind = 'silent')
), silent AS (
    SELECT 'silent' AS kind, account_id, former.p AS former_p, now.p,
           former.category AS former_category, now.category, now.model, now.p AS size,
           CASE WHEN former_part.silence_state IS NULL THEN 'first seen'
                WHEN former_part.silence_state = 'silent' THEN 'silent before' END AS left_out
    FROM newly_silent
    JOIN now USING (account_id)
    LEFT JOIN former USING (account_id)
    LEFT JOIN LATERAL (
        SELECT silence_state FROM tens_insight.account_contributions AS part
        WHERE part.publication_id = %(former_scores)s
          AND part.account_id = newly_silent.account_id LIMIT 1) AS former_part ON true
), of_accounts AS (
    SELECT one.*, part.customer_tier, detail.holdout
    FROM (TABLE entered UNION ALL TABLE jumped UNION ALL TABLE recovered UNION ALL TABLE silent)
        AS one
    LEFT JOIN LATERAL (
        SELECT customer_tier FROM tens_insight.account_contributions
        WHERE publication_id = %(scores)s AND account_id = one.account_id LIMIT 1) AS part ON true
    LEFT JOIN LATERAL (
        SELECT holdout FROM tens_insight.account_risk_detail_history
        WHERE publication_id = %(scores)s AND account_id = one.account_id LIMIT 1) AS detail ON true
), of_areas AS (
    SELECT area.product_area, area.segment, area.priority_score, area.model_version AS model,
           area.priority_score / 100 AS size,
           CASE WHEN former_rule.model <> area.model_version THEN 'another rule' END AS left_out
    FROM tens_insight.product_area_impact_history AS area
    -- From the log: a publication without any area has no rows that name its weights.
    LEFT JOIN (SELECT model_version AS model
               FROM tens_insight.publications
               WHERE publication_id = %(former_areas)s) AS former_rule ON true
    WHERE area.publication_id = %(areas)s AND area.priority_score >= %(area_score)s
      AND NOT EXISTS (SELECT FROM tens_insight.account_events AS known
                      WHERE known.kind = 'area critical'
                        AND known.product_area = area.product_area
                        AND known.customer_tier = area.segment
                        AND known.ended_at IS NULL AND known.withdrawn_at IS NULL)
), every AS (
    SELECT %(scores)s::bigint AS publication_id, kind, account_id, NULL AS product_area,
           customer_tier, former_p, p, former_category, category, NULL::float8 AS priority_score,
           model, size, coalesce(left_out, CASE WHEN holdout THEN 'holdout' END) AS left_out
    FROM of_accounts
    UNION ALL
    SELECT %(areas)s::bigint, 'area critical', NULL, product_area, segment, NULL, NULL, NULL, NULL,
           priority_score, model, size, left_out
    FROM of_areas
), valued AS (
    SELECT every.*,
           size * coalesce((%(weights)s::jsonb ->> customer_tier)::float8, 1) AS value
    FROM every
), ranked AS (
    SELECT valued.*,
           row_number() OVER (PARTITION BY left_out IS NULL
                              ORDER BY value DESC, kind, account_id COLLATE "C",
                                       product_area COLLATE "C", customer_tier COLLATE "C")
               AS place
    FROM valued
)
INSERT INTO tens_insight.account_event_log
    (publication_id, as_of, kind, account_id, product_area, customer_tier, former_probability,
     churn_probability, former_category, risk_category, priority_score, model_version, value,
     left_out)
SELECT publication_id, %(as_of)s, kind, account_id, product_area, customer_tier, former_p, p,
       former_category, category, priority_score, model, value,
       CASE WHEN left_out IS NULL AND place > %(room)s THEN 'budget' ELSE left_out END
FROM ranked
ORDER BY left_out IS NOT NULL, place
RETURNING event_id, publication_id, left_out

-- name: end_of_accounts
-- What is over: accounts that recovered, wrote again, or were not scored for some time.
WITH now AS (
    SELECT account_id FROM tens_insight.account_risk_score_history
    WHERE publication_id = %(scores)s
), silent AS (
    SELECT account_id FROM tens_insight.account_contributions
    WHERE publication_id = %(scores)s AND silence_state = 'silent'
), recent AS MATERIALIZED (
    SELECT array_agg(publication_id) AS publications
    FROM tens_insight.publications
    WHERE target_table = 'account_risk_scores' AND kind = 'published' AND undone_at IS NULL
      AND publication_id <= %(scores)s AND as_of > %(quiet_since)s
), over_now AS (
    SELECT event_id
    FROM pg_temp.events_going_on AS going_on
    JOIN (SELECT account_id FROM tens_insight.account_event_log
          WHERE publication_id = %(scores)s AND kind = 'recovered') AS recovered
         USING (account_id)
    WHERE kind <> 'silent'
    UNION ALL
    SELECT event_id
    FROM pg_temp.events_going_on AS going_on
    JOIN now USING (account_id)
    LEFT JOIN silent USING (account_id)
    WHERE kind = 'silent' AND silent.account_id IS NULL AND %(has_parts)s
    UNION ALL
    SELECT event_id
    FROM pg_temp.events_going_on AS going_on
    LEFT JOIN now USING (account_id)
    WHERE now.account_id IS NULL
      AND NOT EXISTS (SELECT FROM tens_insight.account_risk_score_history AS score
                      WHERE score.account_id = going_on.account_id
                        AND score.publication_id = ANY (
                            (SELECT publications FROM recent)::bigint[]))
)
UPDATE tens_insight.account_event_log AS event
SET ended_publication_id = %(scores)s
FROM over_now
WHERE event.event_id = over_now.event_id

-- name: end_of_areas
-- Areas that were not critical in any publication for some time.
UPDATE tens_insight.account_event_log AS event
SET ended_publication_id = %(areas)s
FROM tens_insight.account_events AS known
WHERE known.event_id = event.event_id AND known.kind = 'area critical'
  AND known.ended_at IS NULL AND known.withdrawn_at IS NULL
  AND NOT EXISTS (
      SELECT FROM tens_insight.product_area_impact_history AS area
      JOIN tens_insight.publications AS run USING (publication_id)
      WHERE area.product_area = known.product_area AND area.segment = known.customer_tier
        AND area.priority_score >= %(area_score)s
        AND run.undone_at IS NULL AND run.kind = 'published' AND publication_id <= %(areas)s
        AND (run.as_of > %(quiet_since)s OR publication_id = %(areas)s))

-- name: record_handled
INSERT INTO tens_insight.event_publications (publication_id, as_of, told, left_out)
VALUES (%(publication_id)s, %(as_of)s, %(told)s, %(left_out)s)

-- name: told_of_publication
SELECT event_id
FROM tens_insight.account_event_log
WHERE publication_id = %(publication_id)s AND left_out IS NULL
ORDER BY event_id

-- name: notify
SELECT pg_notify(%(channel)s, %(payload)s)

-- name: drop_old_events
-- What is over for long; what goes on stays, or it would be told again.
DELETE FROM tens_insight.account_event_log AS event
WHERE event.as_of < %(before)s
  AND (event.ended_publication_id IS NOT NULL OR event.kind IN ('jumped', 'recovered')
       OR EXISTS (SELECT FROM tens_insight.publications AS run
                  WHERE run.publication_id = event.publication_id AND run.undone_at IS NOT NULL))

-- name: drop_old_handled
DELETE FROM tens_insight.event_publications AS handled
WHERE handled.as_of < %(before)s
  AND EXISTS (SELECT FROM tens_insight.event_publications AS newer
              JOIN tens_insight.publications AS run USING (publication_id)
              JOIN tens_insight.publications AS own
                   ON own.publication_id = handled.publication_id
                  AND own.target_table = run.target_table
              WHERE newer.publication_id > handled.publication_id AND run.undone_at IS NULL)

-- name: list_events
-- Events, newest first; of one moment the most valuable first.
SELECT event_id, publication_id, as_of, recorded_at, kind, account_id, product_area, customer_tier,
       former_probability, churn_probability, former_category, risk_category, priority_score,
       model_version, value, left_out, ended_at, withdrawn_at, count(*) OVER () AS matching
FROM tens_insight.account_events
WHERE as_of >= coalesce(%(since)s::timestamptz, '-infinity')
  AND (%(every)s OR (left_out IS NULL AND withdrawn_at IS NULL))
  AND (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s))
ORDER BY as_of DESC, left_out IS NOT NULL, value DESC, event_id
LIMIT %(limit)s

-- name: left_out_by_reason
SELECT left_out AS reason, count(*) AS events
FROM tens_insight.account_events
WHERE as_of >= coalesce(%(since)s::timestamptz, '-infinity') AND left_out IS NOT NULL AND withdrawn_at IS NULL
  AND (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s))
GROUP BY left_out
ORDER BY count(*) DESC, left_out

-- name: newest_handled
SELECT max(handled.as_of) AS as_of
FROM tens_insight.event_publications AS handled
