-- name: accounts_due
-- Accounts with a score of an earlier moment, in the order of their ids.
SELECT account_id::text
FROM public.account_risk_scores
WHERE predicted_at < %(since)s
  AND (%(after)s::text IS NULL OR account_id > %(after)s)
ORDER BY account_id
LIMIT %(most)s

-- name: accounts_due_of_all
-- Accounts that gave feedback and have no score of that moment or a later one, in the same order.
SELECT account_id::text
FROM (SELECT DISTINCT account_id
      FROM feedback_enriched
      WHERE account_id::text <> ''
        AND created_at >= %(earliest)s
        AND created_at < %(as_of)s
        AND (%(after)s::text IS NULL OR account_id > %(after)s)) AS written
WHERE NOT EXISTS (SELECT FROM public.account_risk_scores AS score
                  WHERE score.account_id = written.account_id
                    AND score.predicted_at >= %(since)s)
ORDER BY account_id
LIMIT %(most)s

-- name: feedback_table
-- What feedback_enriched is, for messages.
SELECT oid::regclass::text FROM pg_class WHERE oid = to_regclass('feedback_enriched')

-- name: first_position
INSERT INTO tens_insight.stream_positions (source, position, read_up_to)
VALUES (%(source)s, %(position)s::jsonb, %(read_up_to)s)
ON CONFLICT DO NOTHING

-- name: may_read_xmin
-- Whether what is called feedback_enriched is a table, and its column xmin may be read.
SELECT relkind IN ('r', 'p') AS is_table,
       CASE WHEN relkind IN ('r', 'p') THEN has_column_privilege(oid, 'xmin', 'SELECT') END
           AS may_read,
       oid::regclass::text AS name, current_user::text AS role
FROM pg_class
WHERE oid = to_regclass('feedback_enriched')

-- name: new_rows
-- Rows of recent feedback that transactions wrote which had not ended at the last look, and those
-- of which the moment has come since then.
SELECT account_id::text AS account_id, hashtextextended(id::text, 0) AS id_hash,
       xmin::text::bigint AS written_by,
       created_at >= %(read_up_to)s AND created_at < %(as_of)s AS came_due
FROM feedback_enriched
WHERE account_id::text <> ''
  AND (created_at >= %(recent)s AND age(xmin) BETWEEN 0 AND age(%(horizon)s::text::xid)
       OR created_at >= %(read_up_to)s AND created_at < %(as_of)s)

-- name: late_rows
-- Rows of older feedback that transactions wrote which had not ended at the last scan.
SELECT DISTINCT account_id::text
FROM feedback_enriched
WHERE account_id::text <> ''
  AND created_at < %(recent)s
  AND age(xmin) BETWEEN 0 AND age(%(horizon)s::text::xid)

-- name: moment_has_come
-- Accounts whose feedback has come due since the last step.
SELECT DISTINCT account_id::text
FROM feedback_enriched
WHERE account_id::text <> ''
  AND created_at >= %(read_up_to)s AND created_at < %(as_of)s

-- name: latest_moment
-- The latest moment of feedback that has not come yet; NULL without any.
SELECT max(created_at)
FROM feedback_enriched
WHERE account_id::text <> ''
  AND created_at >= %(as_of)s
  AND isfinite(created_at)

-- name: next_position
UPDATE tens_insight.stream_positions
SET position = %(position)s::jsonb, read_up_to = %(read_up_to)s, committed_at = now()
WHERE source = %(source)s
  AND position = %(before)s::jsonb
  AND read_up_to = %(read_before)s

-- name: position
SELECT position, read_up_to FROM tens_insight.stream_positions WHERE source = %(source)s

-- name: published_columns
-- The columns of feedback_enriched that a publication of logical replication sends; no row where it
-- does not send the table.
SELECT coalesce(attnames::text[], '{}') AS columns, pubinsert AND pubupdate AS is_whole
FROM pg_publication_tables AS sent
JOIN pg_publication USING (pubname)
WHERE pubname = %(publication)s
  AND (schemaname, tablename) = (
      SELECT nspname, relname
      FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
      WHERE pg_class.oid = to_regclass('feedback_enriched'))

-- name: rows_by_id
-- Rows of feedback by their ids, with what tells whether they are those of a message: the values in
-- the order of `message.OTHERS`. Infinite moments are infinite numbers.
SELECT id::text, account_id::text, date_part('epoch', created_at)::double precision,
       priority, sentiment::text, product_area::text, source::text, topic::text,
       customer_tier::text, region::text
FROM feedback_enriched
WHERE id = ANY(%(ids)s)

-- name: slot
-- A replication slot of this database; no row where there is none. Lost: the server dropped what it
-- would have read.
SELECT coalesce(wal_status = 'lost', false) AS lost
FROM pg_replication_slots
WHERE slot_name = %(slot)s AND database = current_database() AND slot_type = 'logical'

-- name: end_of_log
-- Up to where the log of the server is on its disk.
SELECT pg_current_wal_flush_lsn()::text

-- name: slot_settings
-- What a slot needs of the server and of the role.
SELECT current_setting('wal_level') AS wal_level,
       current_setting('server_version_num')::integer AS version,
       current_setting('max_slot_wal_keep_size') AS kept,
       current_setting('max_wal_senders')::integer AS senders,
       current_setting('max_replication_slots')::integer AS slots,
       rolreplication OR rolsuper AS may_replicate, rolname::text AS role
FROM pg_roles
WHERE rolname = current_user

-- name: remove_positions
DELETE FROM tens_insight.stream_positions

-- name: drop_slot
-- Drops a replication slot of this database, where there is one.
SELECT pg_drop_replication_slot(slot_name)
FROM pg_replication_slots
WHERE slot_name = %(slot)s AND database = current_database()

-- name: snapshot
-- What this transaction sees: all that ended before `horizon` began, and nothing from `next` on.
SELECT txid_snapshot_xmin(seen) AS horizon, txid_snapshot_xmax(seen) AS next,
       ARRAY(SELECT txid_snapshot_xip(seen)) AS running, clock_timestamp() AS now
FROM txid_current_snapshot() AS seen
