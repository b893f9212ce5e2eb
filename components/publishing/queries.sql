-- name: account_details
-- The details of the published score of one account.
SELECT detail.publication_id, detail.percentile, detail.lift, detail.base_rate,
       detail.churn_by_horizon, detail.tenure_days, detail.days_since_last_event,
       detail.silence_state, detail.base_log_odds, detail.other_log_odds, detail.reasons,
       detail.other_reasons, detail.customer_tier, detail.region, run.risk_bands,
       run.horizons_judged
FROM tens_insight.account_risk_details AS detail
JOIN tens_insight.publications AS run USING (publication_id)
WHERE detail.account_id = %(account_id)s

-- name: account_feedback
-- Whether one account gave feedback, and when, as far as the dates are possible.
SELECT count(*) AS rows,
       count(*) FILTER (WHERE dated) AS dated,
       min(created_at) FILTER (WHERE dated) AS first,
       max(created_at) FILTER (WHERE dated) AS last
FROM (SELECT created_at, created_at >= %(earliest)s AND created_at < %(latest)s AS dated
      FROM feedback_enriched
      WHERE account_id = %(account_id)s) AS feedback

-- name: account_history
-- What was published of one account before, newest first; what was undone does not count. An
-- incremental publication holds rows of many moments.
SELECT CASE WHEN kind = 'incremental' THEN predicted_at ELSE as_of END AS as_of,
       churn_probability, risk_category, model_version, publication_id
FROM tens_insight.account_risk_score_runs
WHERE account_id = %(account_id)s
  AND undone_at IS NULL
  AND CASE WHEN kind = 'incremental' THEN predicted_at ELSE as_of END < %(as_of)s
ORDER BY publication_id DESC
LIMIT %(limit)s

-- name: account_list
-- Published accounts with their details and the score of the publication before, as asked for.
SELECT score.account_id, score.churn_probability, score.health_score, score.risk_category,
       score.predicted_at AS as_of, score.model_version,
       former.churn_probability AS former_probability, former.risk_category AS former_category,
       detail.customer_tier, detail.region, detail.silence_state, detail.tenure_days,
       detail.days_since_last_event, detail.lift, detail.reasons, detail.holdout,
       count(*) OVER () AS matching
FROM {scores} AS score
LEFT JOIN {former} AS former USING (account_id)
LEFT JOIN tens_insight.account_risk_details AS detail
       ON detail.account_id = score.account_id
      AND detail.churn_probability = score.churn_probability
WHERE (%(bands)s::text[] IS NULL OR score.risk_category = ANY(%(bands)s))
  AND (%(tiers)s::text[] IS NULL
       OR lower(btrim(detail.customer_tier, E' \t\n\r')) = ANY(%(tiers)s))
  AND (%(regions)s::text[] IS NULL OR lower(btrim(detail.region, E' \t\n\r')) = ANY(%(regions)s))
  AND (NOT %(new)s
       OR former.account_id IS NULL
       OR (former.risk_category = ANY(%(bands)s::text[])) IS FALSE)
  AND (%(moved_by)s::float8 IS NULL
       OR round(abs(score.churn_probability - former.churn_probability)::numeric, 9)
          >= %(moved_by)s::numeric)
ORDER BY {order}, score.account_id COLLATE "C"
LIMIT %(limit)s

-- name: account_page
-- One page of the published accounts, as asked for, by key and id: both rise. A key is never NULL.
SELECT score.account_id::text, {key} AS key
FROM {scores} AS score
{joined}
WHERE {conditions}
ORDER BY {order}
LIMIT %(limit)s

-- name: account_page_size
-- How many accounts all pages hold, as far as they are counted.
SELECT count(*)
FROM (SELECT FROM {scores} AS score
      {joined}
      WHERE {conditions}
      LIMIT %(most)s) AS counted

-- name: accounts_of_page
-- What the list says of some accounts.
SELECT score.account_id::text, score.churn_probability, score.health_score,
       score.risk_category::text, score.predicted_at AS as_of, score.model_version::text,
       former.churn_probability AS former_probability, former.risk_category AS former_category,
       detail.customer_tier, detail.region, detail.silence_state, detail.tenure_days,
       detail.days_since_last_event, detail.lift, detail.reasons, detail.holdout, 0 AS matching
FROM {scores} AS score
LEFT JOIN {former} AS former USING (account_id)
LEFT JOIN {details} AS detail USING (account_id)
WHERE score.account_id = ANY(%(accounts)s)

-- name: details_of_layers
-- The details of the published scores: of each account those that came with its newest score. All
-- but the oldest layer are small as a rule: what they hold is left out of that one.
SELECT detail.*
FROM tens_insight.account_risk_detail_history AS detail
WHERE publication_id = {publication} AND {of}
  AND NOT EXISTS (SELECT FROM tens_insight.account_risk_score_history AS later
                  WHERE later.publication_id = ANY({layers}::bigint[])
                    AND later.account_id = detail.account_id)
UNION ALL
SELECT detail.*
FROM (SELECT DISTINCT ON (account_id) account_id, publication_id
      FROM tens_insight.account_risk_score_history
      WHERE publication_id = ANY({layers}::bigint[]) AND {of}
      ORDER BY account_id, publication_id DESC) AS shown
JOIN tens_insight.account_risk_detail_history AS detail USING (publication_id, account_id)

-- name: details_of_publication
-- Likewise, where all are of one publication.
SELECT *
FROM tens_insight.account_risk_detail_history
WHERE publication_id = {publication} AND {of}

-- name: scores_of_publication
-- What one publication wrote.
SELECT account_id, churn_probability, risk_category
FROM tens_insight.account_risk_score_history
WHERE publication_id = {publication} AND {of}

-- name: scores_of_layers
-- What the table held after the newest of some publications.
SELECT DISTINCT ON (account_id) account_id, churn_probability, risk_category
FROM tens_insight.account_risk_score_history
WHERE publication_id = ANY({layers}::bigint[]) AND {of}
ORDER BY account_id, publication_id DESC

-- name: places_of_publications
-- Tiers and regions of the accounts of some publications, and how many accounts each pair has.
SELECT customer_tier, region, count(*) AS accounts
FROM tens_insight.account_risk_detail_history
WHERE publication_id = ANY(%(publications)s)
GROUP BY 1, 2

-- name: silent_accounts
-- Accounts without feedback for more than so many days before as_of, and without a churn date that
-- says they left: those that FeedbackExampleGen counts as silent.
SELECT account_id, newest, extract(epoch FROM %(as_of)s - newest)::float8 / 86400
           AS days_since_last_event, events, customer_tier, region, count(*) OVER () AS matching
FROM (SELECT account_id::text AS account_id,
             max(created_at) AS newest,
             count(*) AS events,
             (array_agg(customer_tier::text ORDER BY created_at DESC))[1] AS customer_tier,
             (array_agg(region::text ORDER BY created_at DESC))[1] AS region
      FROM feedback_enriched
      WHERE account_id::text <> ''
        AND created_at >= %(earliest)s
        AND created_at < %(as_of)s
      GROUP BY 1
      HAVING max(created_at) < %(as_of)s - make_interval(hours => 24 * %(days)s)) AS written
WHERE NOT EXISTS (SELECT FROM {table} AS churn
                  WHERE churn.{account_column}::text = written.account_id
                    AND churn.{date_column} >= %(earliest)s
                    AND churn.{date_column} < %(as_of)s
                    AND (%(is_final)s OR churn.{date_column} >= written.newest))
ORDER BY newest, account_id COLLATE "C"
LIMIT %(limit)s

-- name: account_risk_details_check
-- The first rule that each staged row of details breaks, counted; no rows if all is well.
SELECT problem, count(*) AS rows, min(account_id COLLATE "C") AS example
FROM (SELECT account_id,
             CASE
                 WHEN score.churn_probability IS NULL
                     THEN 'details without a score'
                 WHEN detail.silence_state IS NULL
                     THEN 'a score without details'
                 WHEN (detail.days_since_last_event >= 0
                       AND detail.days_since_last_event <= detail.tenure_days
                       AND detail.tenure_days < 'infinity') IS NOT TRUE
                     THEN 'tenure_days and days_since_last_event are not days'
                 WHEN detail.silence_state NOT IN ('new', 'active', 'quiet', 'silent')
                     THEN 'silence_state is not new, active, quiet or silent'
                 WHEN (detail.at_horizon = score.churn_probability) IS NOT TRUE
                     THEN 'churn_by_horizon does not hold churn_probability'
                 WHEN (detail.base_log_odds < 'infinity' AND detail.other_log_odds < 'infinity')
                          IS NOT TRUE <> (detail.reasons_type IS NULL)
                     THEN 'reasons without log-odds, or log-odds without reasons'
                 WHEN detail.reasons_type <> 'array'
                     THEN 'reasons is not a list'
             END AS problem
      FROM (SELECT account_id, tenure_days, days_since_last_event, silence_state, base_log_odds,
                   other_log_odds, (churn_by_horizon ->> %(horizon)s)::float8 AS at_horizon,
                   jsonb_typeof(reasons) AS reasons_type
            FROM {details}
            OFFSET 0) AS detail  -- the JSON is read before the join, which else keeps all of it
      FULL JOIN {scores} AS score USING (account_id)
      UNION ALL
      SELECT account_id, 'details come twice' FROM {details} GROUP BY 1 HAVING count(*) > 1) AS checked
WHERE problem IS NOT NULL
GROUP BY problem
ORDER BY problem

-- name: account_score
-- The published score of one account.
SELECT churn_probability, health_score, risk_category::text, predicted_at AS as_of,
       model_version::text
FROM public.account_risk_scores
WHERE account_id = %(account_id)s

-- name: account_timeline
-- How much feedback of what kind one account gave, by periods of %(days)s days back from as_of; the
-- last period holds all before it. The text is never read. Rows equal in all but the id count
-- once where %(collapse)s.
SELECT least(floor(extract(epoch FROM %(as_of)s - created_at) / 86400 / %(days)s),
             %(periods)s)::integer AS period,
       count(*) AS events,
       count(*) FILTER (WHERE sentiment = 'negative') AS negative,
       count(*) FILTER (WHERE sentiment = 'neutral') AS neutral,
       count(*) FILTER (WHERE sentiment = 'positive') AS positive,
       count(*) FILTER (WHERE priority >= %(critical_priority)s) AS critical
FROM (SELECT created_at, priority, sentiment::text
      FROM feedback_enriched
      WHERE account_id = %(account_id)s
        AND created_at < %(as_of)s
        AND created_at >= %(earliest)s
      GROUP BY created_at, priority, sentiment, product_area, source, topic, customer_tier, region,
               CASE WHEN %(collapse)s THEN NULL ELSE id::text END) AS event
GROUP BY 1
ORDER BY 1

-- name: area_course
-- Some pairs of area and segment over the publications that were not undone, oldest first; of several
-- publications of one moment the newest.
SELECT DISTINCT ON (as_of, product_area, segment)
       product_area, segment, as_of, priority_score, feedback_count, avg_sentiment_score,
       negative_count, critical_count, model_version
FROM tens_insight.product_area_impact_runs
WHERE undone_at IS NULL
  AND as_of > %(since)s
  AND (product_area, segment) IN (SELECT * FROM unnest(%(areas)s::text[], %(segments)s::text[]))
ORDER BY as_of, product_area, segment, publication_id DESC

-- name: area_publication
-- The publication whose state the table of product areas shows; no row before the first.
SELECT publication_id, as_of, published_at, run_id, model_version
FROM tens_insight.product_area_impact_runs
WHERE undone_at IS NULL
ORDER BY publication_id DESC
LIMIT 1

-- name: role_and_client
-- Who is connected, and from where, as Postgres sees it.
SELECT session_user || '@' || coalesce(host(inet_client_addr()), 'local socket')

-- name: account_values
-- The values of a column of the details that are shown, the commonest first.
SELECT {column}
FROM tens_insight.account_risk_details
WHERE {column} IS NOT NULL
GROUP BY 1
ORDER BY count(*) DESC, 1

-- name: append_details
-- Details of one publication.
INSERT INTO tens_insight.account_risk_detail_history (publication_id, {columns})
SELECT %(publication_id)s, {columns} FROM {rows}

-- name: detail_horizons
-- The horizons that staged details answer for, in days, rising; those of any row are those of all.
SELECT coalesce(array_agg(days::integer ORDER BY days::integer), '{{}}')
FROM jsonb_object_keys((SELECT churn_by_horizon FROM {details} LIMIT 1)) AS days

-- name: detail_rows
-- The details of one publication with their scores: a FROM item.
(SELECT account_id, score.percentile, score.churn_probability / {base_rate}::float8 AS lift,
        {base_rate}::float8 AS base_rate, detail.churn_by_horizon, detail.tenure_days,
        detail.days_since_last_event, detail.silence_state, detail.base_log_odds,
        detail.other_log_odds, detail.reasons, detail.other_reasons, detail.customer_tier,
        detail.region, {holdout} AS holdout
 FROM {details} AS detail
 JOIN (SELECT account_id, churn_probability,
              100 * percent_rank() OVER (ORDER BY churn_probability) AS percentile
       FROM {scores}) AS score USING (account_id)) AS detailed

-- name: broken_rules
-- The first rule that each staged row breaks, counted; no rows if all is well.
SELECT problem, count(*) AS rows, min(example COLLATE "C") AS example
FROM (SELECT concat_ws(' / ', {key}) AS example,
             CASE {rules} WHEN num_nulls({required}) > 0 THEN 'a column is NULL' END AS problem
      FROM (SELECT {columns}{computed} FROM {staging}) AS staged) AS checked
WHERE problem IS NOT NULL
GROUP BY problem
ORDER BY problem

-- name: diff_common
-- How many keys are on both sides, how many of them changed, and the mean move of the value.
SELECT count(*) AS rows,
       count(*) FILTER (WHERE a.{value} IS DISTINCT FROM b.{value}) AS changed,
       avg(abs(b.{value} - a.{value})) AS mean_move
FROM {a} AS a
JOIN {b} AS b ON {same}

-- name: diff_matrix
-- Of the keys on both sides: how many went from which category to which.
SELECT a.{category}::text AS before, b.{category}::text AS after, count(*) AS rows
FROM {a} AS a
JOIN {b} AS b ON {same}
GROUP BY 1, 2
ORDER BY 1, 2

-- name: diff_missing
-- The keys of one side that the other lacks: each with its value, highest first, and how many.
SELECT concat_ws(' / ', {key}) AS key, a.{value} AS value, count(*) OVER () AS count
FROM {a} AS a
WHERE NOT EXISTS (SELECT FROM {b} AS b WHERE {same})
ORDER BY a.{value} DESC, 1
LIMIT %(top)s

-- name: diff_moved
-- The keys on both sides whose value moved most.
SELECT concat_ws(' / ', {key}) AS key, a.{value} AS before, b.{value} AS after
FROM {a} AS a
JOIN {b} AS b ON {same}
WHERE a.{value} IS DISTINCT FROM b.{value}
ORDER BY abs(b.{value} - a.{value}) DESC, 1
LIMIT %(top)s

-- name: differing_rows
-- The rows of which one side has no equal on the other, to the last bit: *<> compares images,
-- and is NULL where a side is missing.
SELECT count(*) AS rows, min(coalesce({left_name}, {right_name}) COLLATE "C") AS example
FROM {left} AS l
FULL JOIN {right} AS r ON {same}
WHERE (l *<> r) IS NOT FALSE

-- name: differing_increment
-- Staged rows of which the history of their publication holds no equal, to the last bit.
SELECT count(*) AS rows, min({key} COLLATE "C") AS example
FROM (SELECT {columns} FROM {staging}) AS l
LEFT JOIN (SELECT {columns} FROM {history} WHERE publication_id = %(publication_id)s) AS r ON {same}
WHERE (l *<> r) IS NOT FALSE

-- name: differing_staged
-- Staged rows of which the table holds no equal, to the last bit; other rows are not looked at.
SELECT count(*) AS rows, min({key} COLLATE "C") AS example
FROM {staging} AS l
LEFT JOIN (SELECT {casts} FROM {table} AS published
           WHERE EXISTS (SELECT FROM {staging} AS staged WHERE {same})) AS r ON {same_sides}
WHERE (l *<> r) IS NOT FALSE

-- name: drop_details
-- Keeps the details of the newest publications, and of the state before them the newest of each key.
DELETE FROM {details} AS old
WHERE NOT old.publication_id = ANY(%(newest)s::bigint[])
  AND (NOT old.publication_id = ANY(%(layers)s::bigint[])
       OR EXISTS (SELECT FROM {history} AS newer
                  WHERE {same}
                    AND newer.publication_id > old.publication_id
                    AND newer.publication_id = ANY(%(layers)s::bigint[])))

-- name: drop_history
-- Drops the rows of old publications, except those that a state to be kept still shows: the
-- newest of their key among its layers.
WITH dropped AS (
    DELETE FROM {history} AS old
    WHERE old.publication_id = ANY(%(expired)s)
      AND (NOT old.publication_id = ANY(%(layers)s)
           OR EXISTS (SELECT FROM {history} AS newer
                      WHERE {same}
                        AND newer.publication_id > old.publication_id
                        AND newer.publication_id = ANY(%(layers)s)))
    RETURNING old.publication_id
), marked AS (
    UPDATE tens_insight.publications
    SET dropped_up_to = %(up_to)s
    WHERE publication_id IN (SELECT publication_id FROM dropped)
)
SELECT count(*) FROM dropped

-- name: drop_old_refusals
-- Of each table the newest refusals are kept; their rows go with them.
DELETE FROM tens_insight.refusals
WHERE target_table = %(table)s
  AND refusal_id NOT IN (SELECT refusal_id
                         FROM tens_insight.refusals
                         WHERE target_table = %(table)s
                         ORDER BY refusal_id DESC
                         LIMIT %(keep)s)

-- name: find_refusal
-- A refusal that was recorded although the answer was lost on the way.
SELECT refusal_id, broken_limits
FROM tens_insight.refusals
WHERE attempt = %(attempt)s

-- name: duplicate_keys
-- One key that comes several times, as the output table compares keys, and its spellings.
SELECT count(*), array_agg(DISTINCT {name} COLLATE "C")
FROM {staging} AS staged
GROUP BY {key}
HAVING count(*) > 1
LIMIT 1

-- name: enum_columns
-- The columns of a table that are enums, and their types.
SELECT a.attname::text, format_type(a.atttypid, NULL)
FROM pg_attribute AS a
JOIN pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(%(table)s) AND NOT a.attisdropped AND t.typtype = 'e'

-- name: existing_rows
-- The moment and the model of rows that are there without a publication.
SELECT coalesce(max(predicted_at) FILTER (WHERE isfinite(predicted_at)), now()) AS as_of,
       coalesce((array_agg(model_version::text ORDER BY predicted_at DESC NULLS LAST))[1], 'none')
           AS model_version
FROM {rows}

-- name: grow_publication
-- An incremental publication grows: more rows, and newer ones in place of some.
UPDATE tens_insight.publications
SET attempt = %(attempt)s, as_of = %(as_of)s, rows_written = %(written)s,
    mean_probability = %(mean_probability)s, category_shares = %(shares)s,
    risk_bands = %(risk_bands)s, label_source = %(label_source)s,
    horizon_days = %(horizon_days)s, horizons = %(horizons)s, holdout = %(holdout)s,
    horizons_judged = %(horizons_judged)s, increment = %(increment)s, published_at = now(),
    published_by = %(published_by)s, accepted_shift = %(accepted_shift)s,
    broken_limits = %(broken_limits)s
WHERE publication_id = %(publication_id)s
RETURNING publication_id, published_at

-- name: growth
-- What staged scores change: against the full publication that they stand upon (p0), and against
-- what increments made of it since (p1).
WITH compared AS MATERIALIZED (
    SELECT staged.churn_probability AS p, staged.risk_category AS c, base.p AS p0,
           coalesce(former.p, base.p) AS p1, coalesce(former.c, base.c) AS c1
    FROM {staging} AS staged
    LEFT JOIN LATERAL (
        SELECT churn_probability AS p, risk_category AS c
        FROM {history} AS kept
        WHERE kept.account_id = staged.account_id
          AND kept.publication_id = ANY(%(layers)s::bigint[])
        ORDER BY kept.publication_id DESC LIMIT 1) AS base ON true
    LEFT JOIN LATERAL (
        SELECT churn_probability AS p, risk_category AS c
        FROM {history} AS kept
        WHERE kept.account_id = staged.account_id
          AND kept.publication_id = ANY(%(increments)s::bigint[])
        ORDER BY kept.publication_id DESC LIMIT 1) AS former ON true)
SELECT count(*) AS rows, coalesce(sum(p), 0) AS probability,
       (SELECT coalesce(jsonb_object_agg(c, rows), '{{}}')
        FROM (SELECT c, count(*) AS rows FROM compared GROUP BY 1) AS one) AS categories,
       count(*) FILTER (WHERE p1 IS NULL) AS added,
       coalesce(sum(p - coalesce(p1, 0)), 0) AS shift,
       count(*) FILTER (WHERE abs(p - p0) > %(threshold)s)
           - count(*) FILTER (WHERE abs(p1 - p0) > %(threshold)s) AS moved,
       (SELECT coalesce(jsonb_object_agg(c, rows), '{{}}')
        FROM (SELECT c, sum(step)::bigint AS rows
              FROM (SELECT c, 1 AS step FROM compared
                    UNION ALL SELECT c1, -1 FROM compared WHERE c1 IS NOT NULL) AS steps
              GROUP BY 1) AS one) AS category_shift
FROM compared

-- name: has_publications
-- Whether any publication to a table was not undone.
SELECT EXISTS (SELECT FROM tens_insight.publications
               WHERE target_table = %(table)s AND undone_at IS NULL)

-- name: has_triggers
-- Whether triggers or rules of other people than Postgres see what is written to these tables.
SELECT EXISTS (SELECT FROM pg_trigger
               WHERE tgrelid = ANY(%(tables)s::text[]::regclass[]) AND NOT tgisinternal
                 AND tgenabled <> 'D')
    OR EXISTS (SELECT FROM pg_rewrite
               WHERE ev_class = ANY(%(tables)s::text[]::regclass[]) AND ev_enabled <> 'D')

-- name: highest_risks
SELECT account_id, churn_probability, risk_category
FROM public.account_risk_scores
ORDER BY churn_probability DESC, account_id
LIMIT %(limit)s

-- name: altered_line
-- The columns of a line of the log that are not as they were written. Where this role may not ask
-- the sequence for the number that it gave, the line has to be the newest.
SELECT array_remove(ARRAY[
           CASE WHEN kind = 'published' AND number IS DISTINCT FROM publication_id
                THEN 'publication_id' END,
           CASE WHEN attempt IS DISTINCT FROM %(attempt)s::uuid THEN 'attempt' END,
           CASE WHEN target_table IS DISTINCT FROM %(table)s THEN 'target_table' END,
           CASE WHEN kind IS DISTINCT FROM %(kind)s THEN 'kind' END,
           CASE WHEN as_of IS DISTINCT FROM %(as_of)s::timestamptz THEN 'as_of' END,
           CASE WHEN model_version IS DISTINCT FROM %(model_version)s THEN 'model_version' END,
           CASE WHEN label_source IS DISTINCT FROM %(label_source)s THEN 'label_source' END,
           CASE WHEN rows_written IS DISTINCT FROM %(written)s THEN 'rows_written' END,
           CASE WHEN rows_removed IS DISTINCT FROM %(removed)s THEN 'rows_removed' END,
           CASE WHEN removes_others IS DISTINCT FROM %(removes_others)s THEN 'removes_others' END,
           CASE WHEN mean_probability IS DISTINCT FROM %(mean_probability)s::float8
                THEN 'mean_probability' END,
           CASE WHEN category_shares IS DISTINCT FROM %(shares)s::jsonb THEN 'category_shares' END,
           CASE WHEN risk_bands IS DISTINCT FROM %(risk_bands)s::jsonb THEN 'risk_bands' END,
           CASE WHEN horizon_days IS DISTINCT FROM %(horizon_days)s::integer
                THEN 'horizon_days' END,
           CASE WHEN horizons IS DISTINCT FROM %(horizons)s::integer[] THEN 'horizons' END,
           CASE WHEN horizons_judged IS DISTINCT FROM %(horizons_judged)s::integer[]
                THEN 'horizons_judged' END,
           CASE WHEN holdout IS DISTINCT FROM %(holdout)s::jsonb THEN 'holdout' END,
           CASE WHEN split IS DISTINCT FROM %(split)s::jsonb THEN 'split' END,
           CASE WHEN population IS DISTINCT FROM %(population)s::jsonb THEN 'population' END,
           CASE WHEN increment IS DISTINCT FROM %(increment)s::jsonb THEN 'increment' END,
           CASE WHEN feedback_rows IS DISTINCT FROM %(feedback_rows)s::bigint
                THEN 'feedback_rows' END,
           CASE WHEN run_id IS DISTINCT FROM %(run_id)s THEN 'run_id' END,
           CASE WHEN published_at IS DISTINCT FROM now() THEN 'published_at' END,
           CASE WHEN published_by IS DISTINCT FROM %(published_by)s THEN 'published_by' END,
           CASE WHEN accepted_shift IS DISTINCT FROM %(accepted_shift)s::text
                THEN 'accepted_shift' END,
           CASE WHEN broken_limits IS DISTINCT FROM %(broken_limits)s::text[]
                THEN 'broken_limits' END,
           CASE WHEN undone_at IS NOT NULL THEN 'undone_at' END,
           CASE WHEN undone_by IS NOT NULL THEN 'undone_by' END,
           CASE WHEN undo_reason IS NOT NULL THEN 'undo_reason' END,
           CASE WHEN dropped_up_to IS NOT NULL THEN 'dropped_up_to' END
       ], NULL)
FROM tens_insight.publications
CROSS JOIN (SELECT CASE WHEN %(kind)s <> 'published' THEN NULL
                        WHEN has_sequence_privilege(sequence, 'USAGE, SELECT')
                        THEN currval(sequence)
                        ELSE (SELECT max(publication_id) FROM tens_insight.publications)
                   END AS number
            FROM pg_get_serial_sequence('tens_insight.publications', 'publication_id')
                AS sequence) AS given
WHERE publication_id = %(publication_id)s

-- name: altered_mark
-- The columns of the mark of an undo that are not as they were written.
SELECT array_remove(ARRAY[
           CASE WHEN undone_at IS DISTINCT FROM now() THEN 'undone_at' END,
           CASE WHEN undone_by IS DISTINCT FROM %(undone_by)s THEN 'undone_by' END,
           CASE WHEN undo_reason IS DISTINCT FROM %(reason)s THEN 'undo_reason' END
       ], NULL)
FROM tens_insight.publications
WHERE publication_id = %(publication_id)s

-- name: changes_of_tables
-- What this session did to tables so far, as the server counts it, and whether it holds the lock of
-- what empties or alters a table: TRUNCATE resets the counts, and other sessions may rewrite it.
SELECT namespace.nspname || '.' || class.relname AS name,
       EXISTS (SELECT FROM pg_locks AS lock
               JOIN pg_database ON pg_database.oid = lock.database
               WHERE datname = current_database()
                 AND lock.pid = pg_backend_pid()
                 AND lock.relation = class.oid
                 AND lock.mode = 'AccessExclusiveLock') AS altered,
       CASE WHEN counted THEN pg_stat_get_xact_tuples_inserted(class.oid) END AS inserted,
       CASE WHEN counted THEN pg_stat_get_xact_tuples_updated(class.oid) END AS updated,
       CASE WHEN counted THEN pg_stat_get_xact_tuples_deleted(class.oid) END AS deleted
FROM pg_class AS class
JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
CROSS JOIN (SELECT current_setting('track_counts')::boolean AS counted) AS setting
WHERE class.oid IN (SELECT to_regclass(one) FROM unnest(%(tables)s::text[]) AS one)

-- name: line_facts
-- What the line of an incremental publication says whatever its rows are.
SELECT model_version, label_source, risk_bands, horizon_days, horizons, horizons_judged, holdout
FROM tens_insight.publications
WHERE publication_id = %(publication_id)s

-- name: line_without_mark
-- A line of the log but for the mark of an undo.
SELECT to_jsonb(line) - ARRAY['undone_at', 'undone_by', 'undo_reason']
FROM tens_insight.publications AS line
WHERE publication_id = %(publication_id)s

-- name: mark_undone
-- An undone publication stays in the log, but counts no more.
UPDATE tens_insight.publications
SET undone_at = now(), undone_by = %(undone_by)s, undo_reason = %(reason)s
WHERE publication_id = %(publication_id)s

-- name: leave_out_newer
-- Takes out what is older than what the table holds.
DELETE FROM {staging} AS staged
USING {table} AS published
WHERE {same} AND published.predicted_at > staged.predicted_at

-- name: may_vacuum
-- Whether this role may vacuum the table: VACUUM itself only warns where it may not.
SELECT pg_has_role(relowner, 'USAGE')
           OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
           OR (SELECT pg_has_role(datdba, 'USAGE') FROM pg_database
               WHERE datname = current_database())
           OR CASE WHEN current_setting('server_version_num')::integer >= 170000
                   THEN has_table_privilege(oid, 'MAINTAIN') ELSE false END
FROM pg_class
WHERE oid = %(table)s::regclass

-- name: moved_shares
-- Of the keys that are published and staged: how many, and how many moved far.
SELECT count(*) AS common,
       count(*) FILTER (WHERE abs(staged.{value} - published.{value}) > %(threshold)s) AS moved
FROM {staging} AS staged
JOIN {table} AS published ON {same}
WHERE %(any_model)s OR staged.model_version = published.model_version::text

-- name: publications
-- Lines of the log; a WHERE follows.
SELECT publication_id, target_table AS "table", kind, as_of, published_at, rows_written, rows_removed,
       mean_probability, category_shares, model_version, label_source, run_id,
       removes_others, published_by, accepted_shift, broken_limits, undone_at, undone_by,
       undo_reason, dropped_up_to, risk_bands, split, population, increment
FROM tens_insight.publications

-- name: publications_by_model
-- What was published with each model, and not undone.
SELECT scored.model_version, sum(scored.rows)::bigint AS rows, max(run.as_of) AS last_as_of
FROM tens_insight.publications AS run
CROSS JOIN LATERAL (
    SELECT run.model_version,
           coalesce((run.split ->> 'accounts_a')::bigint, run.rows_written) AS rows
    UNION ALL
    SELECT run.split ->> 'b', (run.split ->> 'accounts_b')::bigint
    WHERE run.split IS NOT NULL) AS scored
WHERE run.target_table = 'account_risk_scores'
  AND run.kind = 'published'
  AND run.undone_at IS NULL
GROUP BY scored.model_version

-- name: rebuilt_rows
-- What a table held after a publication: of each key the newest row among its layers.
SELECT DISTINCT ON ({key}) {columns}
FROM {history}
WHERE publication_id = ANY({layers}::bigint[])
ORDER BY {key}, publication_id DESC

-- name: record_publication
-- One line of the publication log.
INSERT INTO tens_insight.publications
    (attempt, target_table, kind, as_of, model_version, label_source, rows_written, rows_removed,
     mean_probability, category_shares, feedback_rows, run_id, removes_others,
     published_by, accepted_shift, broken_limits, risk_bands, horizon_days, horizons,
     holdout, split, population, horizons_judged, increment)
VALUES (%(attempt)s, %(table)s, %(kind)s, %(as_of)s, %(model_version)s, %(label_source)s,
        %(written)s, %(removed)s, %(mean_probability)s, %(shares)s, %(feedback_rows)s, %(run_id)s,
        %(removes_others)s, %(published_by)s, %(accepted_shift)s, %(broken_limits)s,
        %(risk_bands)s, %(horizon_days)s, %(horizons)s, %(holdout)s, %(split)s,
        %(population)s, %(horizons_judged)s, %(increment)s)
RETURNING publication_id, published_at

-- name: record_refusal
-- One refusal by the circuit breaker.
INSERT INTO tens_insight.refusals
    (attempt, target_table, as_of, model_version, run_id, rows_staged, mean_probability,
     category_shares, broken_limits, refused_by, risk_bands)
VALUES (%(attempt)s, %(table)s, %(as_of)s, %(model_version)s, %(run_id)s, %(rows)s,
        %(mean_probability)s, %(shares)s, %(broken_limits)s, %(refused_by)s,
        %(risk_bands)s)
RETURNING refusal_id

-- name: refusals
-- The refusals whose rows are still kept, oldest first.
SELECT refusal_id, target_table AS "table", as_of, refused_at, rows_staged, mean_probability,
       category_shares, model_version, run_id, broken_limits, refused_by, risk_bands
FROM tens_insight.refusals
WHERE target_table = %(table)s
ORDER BY refusal_id

-- name: score_counts
-- Published accounts, all and by category.
SELECT count(*) AS rows,
       count(*) FILTER (WHERE risk_category = 'low') AS low,
       count(*) FILTER (WHERE risk_category = 'medium') AS medium,
       count(*) FILTER (WHERE risk_category = 'high') AS high,
       count(*) FILTER (WHERE risk_category = 'critical') AS critical
FROM public.account_risk_scores

-- name: similar_accounts
-- Scored accounts whose id may be meant: about as long, or with the given text in it.
SELECT account_id::text
FROM public.account_risk_scores
WHERE abs(length(account_id) - length(%(account_id)s)) <= 2
   OR position(lower(%(account_id)s) IN lower(account_id)) > 0
ORDER BY account_id COLLATE "C"
LIMIT %(limit)s

-- name: rows_changed
-- Which tables this transaction changed so far, and how much, as the server counts it: no trigger can
-- change that. Empty where track_counts is off.
SELECT oid, pg_stat_get_xact_tuples_inserted(oid), pg_stat_get_xact_tuples_updated(oid),
       pg_stat_get_xact_tuples_deleted(oid)
FROM pg_class
WHERE relkind = 'r'
  AND pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)
      + pg_stat_get_xact_tuples_deleted(oid) > 0
ORDER BY oid

-- name: rows_by_model
-- How many rows name which model.
SELECT coalesce(side.model_version::text, 'none') AS model_version, count(*) AS rows
FROM {rows} AS side
GROUP BY 1
ORDER BY 1

-- name: rows_of_same_model
-- One side of the keys that are published and staged with one and the same model: a FROM item.
(SELECT {side}.*
 FROM {staging} AS staged
 JOIN {table} AS published ON {same} AND staged.model_version = published.model_version) AS kept

-- name: newer_details
-- The details of scores that were set aside.
CREATE TEMPORARY TABLE newer_details ON COMMIT DROP AS
SELECT DISTINCT ON (kept.account_id) {columns}
FROM {details} AS kept
WHERE kept.publication_id = ANY(%(increments)s::bigint[])
  AND kept.account_id IN (SELECT account_id FROM pg_temp.newer_scores)
ORDER BY kept.account_id, kept.publication_id DESC

-- name: newer_scores
-- Scores of a later moment that increments published, and the table still shows.
CREATE TEMPORARY TABLE newer_scores ON COMMIT DROP AS
SELECT {casts}
FROM {table} AS published
WHERE published.predicted_at > %(as_of)s
  AND EXISTS (SELECT FROM {history} AS kept
              WHERE kept.account_id = published.account_id::text
                AND kept.publication_id = ANY(%(increments)s::bigint[])
                AND kept.predicted_at = published.predicted_at)

-- name: scores_of_state
-- The scores of one state of account_risk_scores.
SELECT account_id, churn_probability, risk_category
FROM {rows} AS state
ORDER BY account_id COLLATE "C"

-- name: summary
-- Rows, their mean probability, and how many are in each category.
SELECT coalesce(sum(rows), 0)::bigint AS count,
       -- Of the smallest numbers that there are Postgres refuses to divide the sum.
       CASE WHEN sum(probability) <= 1e-300 THEN 0
            ELSE sum(probability) / sum(rows) END AS mean_probability,
       coalesce(jsonb_object_agg(category, rows) FILTER (WHERE category IS NOT NULL), '{{}}')
           AS categories
FROM (SELECT {category} AS category, count(*) AS rows, sum({probability}) AS probability
      FROM {rows}
      GROUP BY 1) AS per_category

-- name: take_out
-- Takes rows that are to be replaced, and their details, out of an incremental publication.
WITH rows_out AS (
    DELETE FROM {history} AS kept
    WHERE kept.publication_id = %(publication_id)s
      AND kept.account_id IN (SELECT account_id FROM {staging})
    RETURNING kept.churn_probability AS p, kept.risk_category AS c
), details_out AS (
    DELETE FROM {details} AS kept
    WHERE kept.publication_id = %(publication_id)s
      AND kept.account_id IN (SELECT account_id FROM {staging})
    RETURNING 1
)
SELECT count(*) AS rows, coalesce(sum(p), 0) AS probability,
       (SELECT coalesce(jsonb_object_agg(c, rows), '{{}}')
        FROM (SELECT c, count(*) AS rows FROM rows_out GROUP BY 1) AS one) AS categories,
       (SELECT count(*) FROM details_out) AS details
FROM rows_out

-- name: table_against_publications
-- The rows of a table beside those that were published to it, counted by model. Equal are rows
-- to the last bit: *<> compares images, and is NULL where a side is missing.
SELECT r.model_version::text AS model_version, {row_key} IS NULL AS missing,
       (p *<> r) IS NOT FALSE AS differs, count(*) AS rows
FROM {published} AS p
FULL JOIN {rows} AS r ON {same}
GROUP BY 1, 2, 3

-- name: top_areas
SELECT product_area, segment, priority_score, feedback_count, avg_sentiment_score,
       negative_count, critical_count
FROM public.product_area_impact
ORDER BY priority_score DESC, product_area COLLATE "C", segment COLLATE "C"
LIMIT %(limit)s

-- name: untouched_rows
-- The rows whose keys are not staged: how many, and a digest of all their columns.
SELECT count(*) AS rows, sum(hashtextextended(published::text, 0)) AS digest
FROM {table} AS published
WHERE NOT EXISTS (SELECT FROM {staging} AS staged WHERE {same})

-- name: written_differences
-- Staged rows that the table does not hold, or with other values, and what it holds beside them,
-- to the last bit: *<> compares images, and is NULL where a side is missing. No staged key is NULL.
SELECT count(*) FILTER (WHERE {staged_key} IS NOT NULL AND {written_key} IS NULL) AS missing,
       count(*) FILTER (WHERE {staged_key} = {written_key}) AS changed,
       count(*) FILTER (WHERE {staged_key} IS NULL) AS beside,
       min(coalesce({staged_name}, {written_name}) COLLATE "C") AS example,
       array_remove(ARRAY[{columns}], NULL) AS columns
FROM {staged} AS l
FULL JOIN {written} AS r ON {same}
WHERE (l *<> r) IS NOT FALSE
  AND ({staged_key} IS NOT NULL OR %(alone)s)

-- name: column_readable
SELECT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = to_regclass(%(table)s) AND attname = %(column)s AND NOT attisdropped
      AND has_column_privilege(attrelid, attnum, 'SELECT')
)

-- name: table_exists
SELECT to_regclass(%(table)s) IS NOT NULL
