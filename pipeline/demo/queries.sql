-- name: copy_churn
COPY account_churn (account_id, churned_at) FROM STDIN

-- name: copy_feedback
COPY feedback_enriched (
    id, created_at, source, product_area, sentiment, priority,
    topic, region, customer_tier, account_id, summary
) FROM STDIN

-- name: create_indexes
-- The indexes that GoInsight creates, built after the rows are in: that is faster.
CREATE INDEX IF NOT EXISTS idx_feedback_product_area ON feedback_enriched (product_area);
CREATE INDEX IF NOT EXISTS idx_feedback_sentiment ON feedback_enriched (sentiment);
CREATE INDEX IF NOT EXISTS idx_feedback_priority ON feedback_enriched (priority);
CREATE INDEX IF NOT EXISTS idx_feedback_created_at ON feedback_enriched (created_at DESC);
CREATE INDEX IF NOT EXISTS idx_feedback_customer_tier ON feedback_enriched (customer_tier);
CREATE INDEX IF NOT EXISTS idx_feedback_region ON feedback_enriched (region);
CREATE INDEX IF NOT EXISTS idx_feedback_account_id ON feedback_enriched (account_id);
CREATE INDEX IF NOT EXISTS idx_account_churn_account_id ON account_churn (account_id);
ANALYZE feedback_enriched;
ANALYZE account_churn;

-- name: create_inputs
-- The two inputs as GoInsight's ETL and a CRM export would make them; those that exist stay. A new
-- feedback_enriched gets its key by create_key.
CREATE TABLE IF NOT EXISTS feedback_enriched (
    id            text        NOT NULL,
    created_at    timestamptz NOT NULL,
    source        text        NOT NULL,
    product_area  text        NOT NULL,
    sentiment     text        NOT NULL CHECK (sentiment IN ('positive', 'neutral', 'negative')),
    priority      int         NOT NULL CHECK (priority BETWEEN 1 AND 5),
    topic         text        NOT NULL,
    region        text        NOT NULL,
    customer_tier text        NOT NULL,
    account_id    varchar,
    summary       text        NOT NULL
);
CREATE TABLE IF NOT EXISTS account_churn (
    account_id varchar     NOT NULL,
    churned_at timestamptz NOT NULL
);

-- name: create_key
-- Built after the rows are in, as the indexes are.
ALTER TABLE feedback_enriched ADD PRIMARY KEY (id)

-- name: delay_churn
-- A copy of account_churn as an import leaves it that loses dates: accounts that churned before a
-- moment left some time between the day that is true and that moment.
CREATE TABLE account_churn_delayed AS
SELECT account_id,
       CASE WHEN churned_at < %(before)s
            THEN churned_at + (%(before)s - churned_at) * ((hashtext(account_id) & 1023) / 1024.0)
            ELSE churned_at
       END AS churned_at
FROM account_churn

-- name: newest_world_end
SELECT max(ended_at) FROM tens_insight.simulated_worlds

-- name: own_indexes
-- Those of create_indexes that are there, and exactly so, on tables that make_room left empty:
-- keeping them up with each row costs more than building them at the end.
SELECT indexrelid::regclass::text
FROM pg_index
JOIN pg_class AS index ON index.oid = indexrelid
JOIN pg_am ON pg_am.oid = index.relam
JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
WHERE indrelid IN ('feedback_enriched'::regclass, 'account_churn'::regclass)
  AND indnatts = 1 AND NOT indisunique AND indpred IS NULL AND amname = 'btree'
  AND relname = CASE WHEN indrelid = 'account_churn'::regclass THEN 'idx_account_churn_'
                     ELSE 'idx_feedback_' END || attname
  AND indoption[0] = CASE WHEN attname = 'created_at' THEN 3 ELSE 0 END
  AND attname IN ('product_area', 'sentiment', 'priority', 'created_at', 'customer_tier',
                  'region', 'account_id')

-- name: present_rows
-- Whether a simulated world was written, and whether there are rows that it cannot explain.
SELECT world.seed IS NOT NULL,
       EXISTS (SELECT FROM feedback_enriched
               WHERE world.seed IS NULL OR id NOT LIKE %(feedback_pattern)s),
       EXISTS (SELECT FROM account_churn
               WHERE world.seed IS NULL
                  -- The goinsight shape writes some ids in lower case or behind a blank.
                  OR btrim(account_id) NOT ILIKE %(account_pattern)s
                  OR churned_at < world.started_at
                  OR churned_at >= world.ended_at)
FROM (VALUES (true)) AS always (row_exists)
LEFT JOIN (SELECT seed, started_at, ended_at
           FROM tens_insight.simulated_worlds
           ORDER BY world_id DESC
           LIMIT 1) AS world ON true

-- name: record_world
INSERT INTO tens_insight.simulated_worlds (seed, scenario, accounts, days, started_at, ended_at, rows)
VALUES (%(seed)s, %(scenario)s, %(accounts)s, %(days)s, %(started_at)s, %(ended_at)s, %(rows)s)

-- name: remove_rows
TRUNCATE feedback_enriched, account_churn;
DELETE FROM tens_insight.simulated_worlds;

-- name: set_aside
-- What is still to come, out of the pipeline's sight.
CREATE TABLE later_feedback AS SELECT * FROM feedback_enriched WHERE created_at >= %(since)s;
CREATE TABLE later_churn AS SELECT * FROM account_churn WHERE churned_at >= %(since)s;
DELETE FROM feedback_enriched WHERE created_at >= %(since)s;
DELETE FROM account_churn WHERE churned_at >= %(since)s;

-- name: arrive
-- What an ETL and an export of churn dates bring until a moment.
INSERT INTO feedback_enriched
SELECT * FROM later_feedback WHERE created_at >= %(since)s AND created_at < %(until)s;
INSERT INTO account_churn
SELECT * FROM later_churn WHERE churned_at >= %(since)s AND churned_at < %(until)s;

-- name: rename_source
UPDATE later_feedback SET source = %(new)s WHERE source = %(old)s AND created_at >= %(since)s

-- name: harsher_enrichment
-- The share is of messages by the hash of their id: the same in every year.
UPDATE later_feedback SET sentiment = 'negative'
WHERE sentiment = 'neutral' AND created_at >= %(since)s
  AND (hashtext(id) & 1023) < 1024 * %(share)s

-- name: more_leave
-- A share of the accounts leaves within ninety days, whatever they wrote, and writes no more.
CREATE TEMPORARY TABLE leaving AS
SELECT account_id, %(since)s::timestamptz + make_interval(days => hashtext('x' || account_id) & 63)
       + make_interval(days => hashtext('y' || account_id) & 15) AS churned_at
FROM (SELECT DISTINCT account_id FROM later_feedback WHERE account_id <> '') AS account
WHERE (hashtext(account_id) & 1023) < 1024 * %(share)s
  AND NOT EXISTS (SELECT FROM later_churn WHERE later_churn.account_id = account.account_id
                  AND churned_at < %(since)s)
  AND NOT EXISTS (SELECT FROM account_churn WHERE account_churn.account_id = account.account_id);
DELETE FROM later_churn USING leaving WHERE later_churn.account_id = leaving.account_id;
DELETE FROM later_feedback USING leaving
WHERE later_feedback.account_id = leaving.account_id AND created_at >= leaving.churned_at;
INSERT INTO later_churn (account_id, churned_at) SELECT account_id, churned_at FROM leaving
