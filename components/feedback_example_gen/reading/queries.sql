-- name: churn_counts
-- What the table of the ground truth holds, in one scan. Those that count name an account, and have
-- a date that feedback could come before and that was past at as_of.
SELECT count(*) FILTER (WHERE counts) AS rows,
       count(*) FILTER (WHERE counts)
           - count(DISTINCT (account_id, churned_at)) FILTER (WHERE counts) AS rows_repeated,
       count(*) FILTER (WHERE NOT named) AS rows_without_account,
       count(*) FILTER (WHERE NOT dated) AS rows_without_date,
       count(*) FILTER (WHERE dated AND churned_at >= %(as_of)s) AS rows_in_future,
       count(*) FILTER (WHERE dated AND churned_at < %(first)s) AS rows_before_feedback
FROM (SELECT *, named AND dated AND churned_at >= %(first)s AND churned_at < %(as_of)s AS counts
      FROM (SELECT {account_column}::text AS account_id,
                   {date_column} AS churned_at,
                   coalesce({account_column}::text <> '', false) AS named,
                   coalesce(isfinite({date_column})
                            AND {date_column} >= %(earliest)s, false) AS dated
            FROM {table}) AS churn) AS judged

-- name: churn_days
-- The last churn of each day that has one, of those that count, and how many rows it has.
SELECT max({date_column}) AS churned_at, count(*) AS rows
FROM {table}
WHERE {account_column}::text <> ''
  AND {date_column} >= %(first)s
  AND {date_column} < %(as_of)s
GROUP BY date_trunc('day', {date_column})
ORDER BY 1

-- name: unmatched_churn
-- The ids of the ground truth, of rows that count, that no account has.
SELECT {account_column}::text AS account_id, count(*) AS rows
FROM {table} AS churn
WHERE {account_column}::text <> ''
  AND {date_column} >= %(first)s
  AND {date_column} < %(as_of)s
  AND NOT EXISTS (SELECT FROM feedback_enriched AS feedback
                  WHERE feedback.account_id::text = churn.{account_column}::text
                    AND feedback.created_at >= %(earliest)s
                    AND feedback.created_at < %(as_of)s)
GROUP BY 1

-- name: churn_written_after
-- How many churn rows that count have feedback of their account after their date. Grouped by
-- account, so that several processes can share the scan.
SELECT count(*)
FROM {table} AS churn
JOIN (SELECT feedback.account_id::text AS account_id, max(feedback.created_at) AS newest
      FROM feedback_enriched AS feedback
      JOIN (SELECT {account_column}::text AS account_id, min({date_column}) AS churned_at
            FROM {table}
            WHERE {account_column}::text <> ''
              AND {date_column} >= %(first)s
              AND {date_column} < %(as_of)s
            GROUP BY 1) AS churned
          ON churned.account_id = feedback.account_id::text
             AND feedback.created_at > churned.churned_at
      WHERE feedback.created_at < %(as_of)s
      GROUP BY 1) AS written
    ON written.account_id = churn.{account_column}::text
       AND written.newest > churn.{date_column}
WHERE churn.{account_column}::text <> ''
  AND churn.{date_column} >= %(first)s
  AND churn.{date_column} < %(as_of)s

-- name: churn_written_after_sampled
-- As churn_written_after, of some churn rows that count, the same ones each time: with an index on
-- account_id no scan of the feedback is needed.
SELECT count(*)
FROM (SELECT {account_column}::text AS account_id, {date_column} AS churned_at
      FROM {table}
      WHERE {account_column}::text <> ''
        AND {date_column} >= %(first)s
        AND {date_column} < %(as_of)s
      ORDER BY hashtextextended({account_column}::text, 0)
      LIMIT %(most)s) AS churn
WHERE EXISTS (SELECT FROM feedback_enriched AS feedback
              WHERE feedback.account_id::text = churn.account_id
                AND feedback.created_at > churn.churned_at
                AND feedback.created_at < %(as_of)s)

-- name: account_ids
-- The ids of the feedback, of whatever date: an index on account_id answers without the table.
SELECT DISTINCT account_id::text
FROM feedback_enriched
WHERE account_id::text <> ''

-- name: published_accounts
-- How many accounts a publication holds.
SELECT count(*)
FROM tens_insight.account_risk_score_history
WHERE publication_id = %(publication_id)s

-- name: published_ids
SELECT account_id
FROM tens_insight.account_risk_score_history
WHERE publication_id = %(publication_id)s

-- name: published_without_feedback
-- The accounts of a publication that have no feedback, of whatever date.
SELECT account_id
FROM tens_insight.account_risk_score_history AS published
WHERE publication_id = %(publication_id)s
  AND NOT EXISTS (SELECT FROM feedback_enriched AS feedback
                  WHERE feedback.account_id::text = published.account_id)

-- name: newest_publication
SELECT publication_id, as_of
FROM tens_insight.publications
WHERE target_table = 'account_risk_scores'
  AND kind = 'published'
  AND undone_at IS NULL
  AND as_of <= %(as_of)s
ORDER BY as_of DESC, publication_id DESC
LIMIT 1

-- name: published_population
-- Which accounts the newest publication took for silent, as the log has it.
SELECT population
FROM tens_insight.publications
WHERE target_table = 'account_risk_scores'
  AND kind = 'published'
  AND undone_at IS NULL
  AND as_of <= %(as_of)s
ORDER BY as_of DESC, publication_id DESC
LIMIT 1

-- name: new_accounts
-- The accounts whose first feedback is as new as that.
SELECT DISTINCT account_id::text
FROM feedback_enriched AS feedback
WHERE account_id::text <> ''
  AND created_at >= %(since)s
  AND created_at < %(as_of)s
  AND NOT EXISTS (SELECT FROM feedback_enriched AS former
                  WHERE former.account_id::text = feedback.account_id::text
                    AND former.created_at >= %(earliest)s
                    AND former.created_at < %(since)s)

-- name: may_read_published_accounts
SELECT coalesce(bool_and(has_table_privilege(oid, 'SELECT')) AND count(*) = 2, false)
FROM pg_class
WHERE oid IN (to_regclass('tens_insight.publications'),
              to_regclass('tens_insight.account_risk_score_history'))

-- name: estimated_rows
-- What the planner expects, as JSON: for a table, a view or a foreign table alike.
EXPLAIN (FORMAT JSON) SELECT FROM feedback_enriched

-- name: faults
-- Rows that a run would refuse, in one scan: of the window of the product areas, and of accounts;
-- and rows of the same faults that no window holds, whatever their date.
SELECT count(*) FILTER (WHERE in_areas AND NOT sound) AS unsound_in_areas,
       count(*) FILTER (WHERE named AND dated) AS named,
       count(*) FILTER (WHERE in_events AND NOT known_sentiment) AS unknown_sentiment,
       count(*) FILTER (WHERE in_events AND NOT known_priority) AS unknown_priority,
       count(*) FILTER (WHERE NOT sound AND NOT in_areas AND NOT in_events) AS unsound_elsewhere,
       jsonb_build_object({nulls}) AS nulls
FROM (SELECT *,
             coalesce(known_sentiment AND known_priority, false) AS sound,
             dated AND created_at >= %(areas_since)s AS in_areas,
             named AND dated AND created_at >= %(events_since)s AS in_events
      FROM (SELECT {columns},
                   coalesce(account_id::text <> '', false) AS named,
                   coalesce(created_at >= %(earliest)s AND created_at < %(as_of)s, false) AS dated,
                   sentiment::text = ANY(%(sentiments)s) AS known_sentiment,
                   priority BETWEEN 1 AND 5 AS known_priority
            FROM {feedback}) AS feedback) AS feedback

-- name: has_named_row
-- Whether any row can be an event at all; with GoInsight's index on account_id found at once.
SELECT EXISTS (SELECT FROM feedback_enriched
               WHERE account_id > '' AND created_at >= %(earliest)s AND created_at < %(as_of)s)

-- name: kind_of_feedback
-- Whether the table can be sampled by its blocks: views and foreign tables cannot.
SELECT relkind IN ('r', 'p', 'm') FROM pg_class WHERE oid = 'feedback_enriched'::regclass

-- name: previous_publication
SELECT as_of, feedback_rows, rows_written AS scored
FROM tens_insight.publications
WHERE target_table = 'account_risk_scores'
  AND as_of < %(as_of)s
  AND feedback_rows IS NOT NULL
ORDER BY as_of DESC, published_at DESC
LIMIT 1

-- name: product_area_counts
-- What the rule of the product areas counts, for each pair in the window, in one scan.
-- Rows without an account count too. The casts to text take the padding off char(n).
SELECT product_area::text,
       customer_tier::text AS segment,
       count(*) AS feedback,
       count(*) FILTER (WHERE sentiment::text = 'negative') AS negative,
       count(*) FILTER (WHERE sentiment::text = 'positive') AS positive,
       count(*) FILTER (WHERE priority >= %(critical_priority)s) AS critical,
       count(*) FILTER (WHERE priority = %(top_priority)s) AS p5,
       count(*) FILTER (WHERE created_at >= %(recent_since)s) AS recent,
       count(*) FILTER (WHERE (sentiment::text IN ('positive', 'neutral', 'negative')
                               AND priority BETWEEN 1 AND 5) IS NOT TRUE) AS unsound
FROM feedback_enriched
WHERE created_at >= %(since)s
  AND created_at < %(as_of)s
  AND {chosen}
GROUP BY 1, 2

-- name: accounts_of_area
-- Who wrote what the rule counts of one pair, those with most rows first; accounts: how many wrote.
SELECT account_id::text AS account_id,
       count(*) AS feedback,
       count(*) FILTER (WHERE sentiment::text = 'negative') AS negative,
       count(*) FILTER (WHERE priority >= %(critical_priority)s) AS critical,
       count(*) FILTER (WHERE created_at >= %(recent_since)s) AS recent,
       max(created_at) AS newest,
       count(*) OVER () AS accounts
FROM feedback_enriched
WHERE created_at >= %(since)s
  AND created_at < %(as_of)s
  AND product_area::text = %(product_area)s
  AND customer_tier::text = %(segment)s
  AND account_id::text <> ''
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT %(limit)s

-- name: read_churn
-- When accounts churned, as far as that was known at as_of.
SELECT {account_column}::text AS account_id, {date_column} AT TIME ZONE 'UTC' AS churned_at
FROM {table}
WHERE {account_column}::text <> ''
  AND {date_column} < %(as_of)s
  AND {date_column} >= %(earliest)s
  AND {chosen}

-- name: read_feedback
-- The feedback of accounts before as_of, without its text: the columns of
-- transforms/columns.py under their own names, in any order.
-- The casts to text take the padding off char(n).
SELECT account_id::text,
       created_at AT TIME ZONE 'UTC' AS created_at,
       hashtextextended(id::text, 0) AS id_hash,
       priority,
       sentiment::text,
       product_area::text,
       source::text,
       topic::text,
       customer_tier::text,
       region::text
FROM feedback_enriched
WHERE account_id::text <> ''
  AND created_at >= %(earliest)s
  AND created_at < %(as_of)s
  AND {chosen}

-- name: read_moments
-- When accounts wrote before as_of.
SELECT account_id::text, created_at AT TIME ZONE 'UTC' AS created_at
FROM feedback_enriched
WHERE account_id::text <> ''
  AND created_at >= %(earliest)s
  AND created_at < %(as_of)s
  AND {chosen}

-- name: sampled_accounts
-- Some accounts, as a sample of the rows meets them.
SELECT DISTINCT account_id::text FROM {feedback} WHERE account_id::text <> '' LIMIT %(most)s

-- name: unsound_rows
-- A FROM item of the rows with a priority or sentiment that the contract does not know, written so
-- that GoInsight's indexes on these columns find them at once. For columns of type text.
(SELECT {columns}
 FROM feedback_enriched
 WHERE priority < 1 OR priority > 5 OR priority IS NULL
    OR sentiment < 'negative' OR sentiment > 'positive' OR sentiment IS NULL
    OR (sentiment > 'negative' AND sentiment < 'neutral')
    OR (sentiment > 'neutral' AND sentiment < 'positive')) AS unsound_rows

-- name: watermark
-- What the database held at as_of, by weeks from the earliest possible date on, in one scan. The
-- rows that nothing reads, later than as_of or without a possible date, are in no week. Behind
-- OFFSET the planner expects few weeks, where it would expect one for each moment, and lets several
-- processes share the scan; the quotes keep it from taking the 0 for an expression.
SELECT week,
       count(*) AS rows,
       count(*) FILTER (WHERE named) AS named_rows,
       count(*) FILTER (WHERE created_at >= %(as_of)s) AS rows_in_future,
       count(*) FILTER (WHERE NOT dated) AS rows_without_date,
       count(*) FILTER (WHERE created_at < %(previous_as_of)s) AS rows_before_previous,
       count(*) FILTER (WHERE created_at >= %(last_week)s) AS last_week_rows,
       count(*) FILTER (WHERE created_at < %(last_week)s AND created_at >= %(weeks_before)s)
           AS weeks_before_rows,
       min(created_at) FILTER (WHERE named) AS first,
       max(created_at) FILTER (WHERE named) AS newest
FROM (SELECT created_at,
             named,
             dated,
             CASE WHEN dated AND created_at < %(as_of)s
                  THEN ((created_at AT TIME ZONE 'UTC')::date - %(earliest)s::date) / 7
             END AS week
      FROM (SELECT created_at,
                   coalesce(account_id::text <> '', false) AS named,
                   coalesce(created_at >= %(earliest)s, false) AS dated
            FROM {feedback}) AS feedback
      OFFSET '0') AS feedback
GROUP BY week
ORDER BY week
