-- name: feedback_facts
-- Size and range of the feedback, in one scan.
SELECT coalesce(sum(rows), 0)::bigint AS rows,
       count(account_id) AS accounts,
       coalesce(sum(rows) FILTER (WHERE account_id IS NULL), 0)::bigint AS rows_without_account,
       coalesce(sum(future_rows), 0)::bigint AS future_rows,
       min(first_created_at) AS first_created_at,
       max(last_created_at) AS last_created_at
FROM (SELECT nullif(account_id, '') AS account_id,
             count(*) AS rows,
             count(*) FILTER (WHERE created_at > now()) AS future_rows,
             min(created_at) FILTER (WHERE isfinite(created_at)) AS first_created_at,
             max(created_at) FILTER (WHERE isfinite(created_at)) AS last_created_at
      FROM feedback_enriched
      GROUP BY 1) AS per_account

-- name: grants
-- Run this as a superuser before `tens-insight db init`, and again whenever you like:
-- it repeats, and adds rights to tables that were missing the time before.

-- The installer runs `tens-insight db init`, and owns what that creates.
GRANT CONNECT ON DATABASE {database} TO {installer};
GRANT USAGE, CREATE ON SCHEMA public TO {installer};
CREATE SCHEMA IF NOT EXISTS tens_insight AUTHORIZATION {installer};

-- The pipeline's role runs everything else.
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {pipeline};
GRANT USAGE ON SCHEMA public, tens_insight TO {pipeline};
GRANT {output_rights} ON ALL TABLES IN SCHEMA tens_insight TO {pipeline};
ALTER DEFAULT PRIVILEGES FOR ROLE {installer} IN SCHEMA tens_insight
    GRANT {output_rights} ON TABLES TO {pipeline};
ALTER DEFAULT PRIVILEGES FOR ROLE {installer} IN SCHEMA public
    GRANT {output_rights} ON TABLES TO {pipeline};

-- The reader sees the results, and what they can be joined to. The details of the scores
-- (tens_insight.account_risk_details) are granted by `db init` to every role that may read the scores.
GRANT CONNECT ON DATABASE {database} TO {reader};
GRANT USAGE ON SCHEMA public, tens_insight TO {reader};
ALTER DEFAULT PRIVILEGES FOR ROLE {installer} IN SCHEMA public
    GRANT SELECT ON TABLES TO {reader};

-- The columns of the feedback without its text, which stays out of reach.
GRANT USAGE ON SCHEMA {input_schema} TO {pipeline}, {reader};
GRANT SELECT ({feedback_columns}) ON {feedback} TO {pipeline}, {reader};

-- Tables that are there already.

-- name: local_settings
-- The settings of each transaction, as statements; what the address itself asks for (source
-- 'client') is kept. Nothing is set for the session: behind a pooler it is somebody else's next.
SELECT format('SET LOCAL %%I = %%L', wanted.name, wanted.value)
FROM (VALUES ('TimeZone', 'UTC', true),
             ('lock_timeout', %(lock_timeout)s, false),
             ('idle_in_transaction_session_timeout', %(idle_timeout)s, false),
             ('statement_timeout', %(statement_timeout)s, true)) AS wanted (name, value, always)
JOIN pg_settings AS setting ON setting.name = wanted.name
WHERE wanted.value IS NOT NULL
  AND (wanted.always OR setting.source <> 'client')

-- name: make_identity
-- The row of the database's identity, where somebody emptied the table. Conditions about the
-- right to look come first: a role that may not look has nothing to mend.
DO $$
BEGIN
    IF has_table_privilege(to_regclass('tens_insight.database_identity'), 'SELECT')
       AND has_table_privilege(to_regclass('tens_insight.database_identity'), 'INSERT') THEN
        IF NOT EXISTS (SELECT FROM tens_insight.database_identity) THEN
            INSERT INTO tens_insight.database_identity DEFAULT VALUES;
        END IF;
    END IF;
END
$$;

-- name: may_read_migrations
-- Whether the list of applied migrations is there and this role may read it.
SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'tens_insight' AND c.relname = 'schema_migrations'

-- name: metadata_tables
-- What a database holds, as far as ML Metadata is concerned.
SELECT current_schema()::text AS schema,
       count(c.oid) FILTER (WHERE c.relkind IN ('r', 'p', 'v', 'm')) AS tables,
       count(c.oid) FILTER (WHERE c.relname = 'mlmdenv') > 0 AS is_metadata,
       min(c.relname::text) FILTER (WHERE c.relkind IN ('r', 'p', 'v', 'm')) AS first,
       has_schema_privilege(current_schema(), 'CREATE') AS may_create,
       coalesce(
           bool_and(has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE'))
               FILTER (WHERE c.relname IN ('mlmdenv', 'artifact', 'execution')),
           true
       ) AS may_write
FROM (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AS n
LEFT JOIN pg_class AS c ON c.relnamespace = n.oid

-- name: schema_migrations
-- The room of our own objects, and the list of the migrations applied to it. The conditions
-- come first because CREATE ... IF NOT EXISTS asks for the right to create even where all exists.
DO $$
BEGIN
    IF to_regnamespace('tens_insight') IS NULL THEN
        CREATE SCHEMA tens_insight;
    END IF;
    IF to_regclass('tens_insight.schema_migrations') IS NULL THEN
        CREATE TABLE tens_insight.schema_migrations (
            name       text        PRIMARY KEY,
            checksum   text        NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        );
    END IF;
END
$$;

-- name: schemas_with_table
-- Where else a table of this name stands, for a hint about search_path.
SELECT n.nspname::text
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = %(table)s
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname <> 'pg_catalog' AND n.nspname NOT LIKE 'pg\_temp%%'
ORDER BY n.nspname

-- name: table_columns
-- The columns of one table as this role sees it: no rows if the table is not there.
-- Without a schema the first match on search_path counts, as in any query.
SELECT a.attname::text AS name,
       format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL) AS type,
       t.typtype = 'e' AS is_enum,
       n.nspname::text AS schema,
       has_schema_privilege(n.oid, 'USAGE') AS can_enter,
       has_column_privilege(c.oid, a.attnum, 'SELECT') AS can_select,
       has_table_privilege(c.oid, 'INSERT') AS can_insert,
       has_table_privilege(c.oid, 'UPDATE') AS can_update,
       has_table_privilege(c.oid, 'DELETE') AS can_delete,
       EXISTS (SELECT FROM pg_index AS i
               WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
                 AND i.indnkeyatts = cardinality(%(key)s::text[])
                 AND %(key)s::text[] =
                     (SELECT array_agg(k.attname::text ORDER BY k.attname::text COLLATE "C")
                      FROM pg_attribute AS k
                      WHERE k.attrelid = c.oid
                        AND k.attnum = ANY ((i.indkey::smallint[])[0:i.indnkeyatts - 1]))) AS has_key
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
WHERE c.relname = %(table)s
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND CASE WHEN %(schema)s::text IS NULL THEN pg_table_is_visible(c.oid)
           ELSE n.nspname = %(schema)s END
ORDER BY a.attnum

-- name: tables_with_columns
-- The tables that a query would find by name alone and that have all of some columns.
SELECT c.relname::text
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND pg_table_is_visible(c.oid)
  AND a.attname = ANY (%(columns)s)
GROUP BY c.oid, c.relname
HAVING count(*) = cardinality(%(columns)s::text[])
ORDER BY 1

-- name: visible_table
-- The schema and name of the table that a query would find, if there is one.
SELECT n.nspname::text, c.relname::text
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(%(table)s)
