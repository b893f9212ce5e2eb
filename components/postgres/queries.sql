-- name: folded_ids
-- Ids that are one to a column's type and collation: how many times, and the spellings of one.
SELECT count(*)::bigint, (array_agg(ids ORDER BY ids))[1:1]
FROM (SELECT string_agg(quote_literal(id), ' and ' ORDER BY id COLLATE "C") AS ids
      FROM (SELECT DISTINCT {key}::text COLLATE "C" AS id FROM {rows}) AS each
      WHERE id <> ''
      GROUP BY {folded}
      HAVING count(*) > 1) AS folded

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

-- The reader sees the results, and what they can be joined to.
GRANT CONNECT ON DATABASE {database} TO {reader};
GRANT USAGE ON SCHEMA public, tens_insight TO {reader};

-- When `db init` creates the two output tables in schema public, it grants them to the roles that
-- are let into schema tens_insight here; no other table in schema public is touched.

-- The columns of the feedback without its text, which stays out of reach.
GRANT USAGE ON SCHEMA {input_schema} TO {pipeline}, {reader};
GRANT SELECT ({feedback_columns}) ON {feedback} TO {pipeline}, {reader};

-- Tables that are there already.

-- name: server_grants
-- The server's role answers the requests of `tens-insight serve`: it reads what is listed here, and
-- no more. Run this again after `db init` made tables.
GRANT CONNECT ON DATABASE {database} TO {server};
GRANT USAGE ON SCHEMA public, tens_insight TO {server};
GRANT USAGE ON SCHEMA {input_schema} TO {server};
GRANT SELECT ({feedback_columns}) ON {feedback} TO {server};
-- By this mark `db init` knows that it is none of the readers, which see everything published.
COMMENT ON ROLE {server} IS 'tens-insight serve';

-- name: invited_roles
-- The roles that may use schema tens_insight, and whether new tables there may be written by them;
-- without those of servers, which read what they were granted by name.
SELECT r.rolname::text AS name,
       bool_or(EXISTS (
           SELECT FROM pg_default_acl AS d, aclexplode(d.defaclacl) AS granted
           WHERE d.defaclnamespace = n.oid AND granted.grantee = r.oid
             AND granted.privilege_type = 'INSERT')) AS writes
FROM pg_namespace AS n, aclexplode(n.nspacl) AS given
JOIN pg_roles AS r ON r.oid = given.grantee
WHERE n.nspname = 'tens_insight' AND given.privilege_type = 'USAGE'
  AND r.oid <> n.nspowner AND r.rolname <> current_user
  AND shobj_description(r.oid, 'pg_authid') IS DISTINCT FROM 'tens-insight serve'
GROUP BY r.rolname ORDER BY r.rolname

-- name: has_transactions
-- Whether rows tell which transaction wrote them: views and foreign tables do not.
SELECT relkind IN ('r', 'p') FROM pg_class WHERE oid = to_regclass(%(table)s)

-- name: owners
-- The owner of each of these tables that is there.
SELECT c.relname::text AS name, pg_get_userbyid(c.relowner)::text AS owner,
       pg_has_role(c.relowner, 'USAGE') AS ours
FROM pg_class AS c
WHERE c.oid = ANY (SELECT to_regclass(named) FROM unnest(%(tables)s::text[]) AS named)

-- name: key_columns
-- Type and collation of each column of a key, and whether different texts are equal to it.
SELECT a.attname::text AS name,
       format_type(a.atttypid, -1) AS type,
       CASE WHEN a.attcollation <> t.typcollation AND l.oid IS NOT NULL
            THEN format('%%I.%%I', ln.nspname, l.collname) END AS collation,
       coalesce(base.typname IN ('citext', 'bpchar') OR NOT l.collisdeterministic, false) AS folds,
       base.typtype = 'e' AS is_enum
FROM unnest(%(key)s::text[]) WITH ORDINALITY AS k (name, place)
JOIN pg_class AS c ON c.relname = %(table)s AND c.relnamespace = to_regnamespace('public')
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = k.name
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_type AS base ON base.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
LEFT JOIN pg_namespace AS ln ON ln.oid = l.collnamespace
ORDER BY k.place

-- name: local_settings
-- The settings of each transaction, as statements; what the address itself asks for (source
-- 'client') is kept. Nothing is set for the session: behind a pooler it is somebody else's next.
SELECT format('SET LOCAL %%I = %%L', wanted.name, wanted.value)
FROM (VALUES ('TimeZone', 'UTC', true),
             ('quote_all_identifiers', 'off', true),  -- it changes how catalogs name types
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

-- name: output_table
-- What the catalogs say of an output table that bears on writing to it; no row if it is not there.
-- Triggers with the name of their function; those that do not fire in sessions of this role, such
-- as those of replicas alone, do not count.
SELECT c.relkind::text AS kind,
       c.relpersistence::text AS persistence,
       (SELECT i.inhparent::regclass::text FROM pg_inherits AS i WHERE i.inhrelid = c.oid LIMIT 1)
           AS parent,
       ARRAY(SELECT i.inhrelid::regclass::text FROM pg_inherits AS i WHERE i.inhparent = c.oid
             ORDER BY 1) AS children,
       ARRAY(SELECT p.relid::text
             FROM pg_partition_tree(CASE WHEN c.relkind = 'p' THEN c.oid END) AS p
             JOIN pg_class AS part ON part.oid = p.relid
             WHERE part.relkind = 'f' ORDER BY 1) AS foreign_partitions,
       ARRAY(SELECT a.attname::text FROM pg_attribute AS a
             WHERE a.attrelid = c.oid AND a.attname = ANY(%(columns)s::text[])
               AND (a.attgenerated <> '' OR a.attidentity = 'a') ORDER BY a.attnum) AS computed,
       ARRAY(SELECT a.attname::text FROM pg_attribute AS a
             JOIN pg_type AS t ON t.oid = a.atttypid
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               AND (a.attnotnull OR t.typnotnull)
               AND NOT a.atthasdef AND t.typdefaultbin IS NULL AND a.attidentity = ''
               AND a.attname <> ALL(%(columns)s::text[]) ORDER BY a.attnum) AS required,
       ARRAY(SELECT quote_ident(r.rulename) FROM pg_rewrite AS r
             WHERE r.ev_class = c.oid AND r.ev_enabled IN ('A', session.fires)
               AND (r.ev_type IN ('2', '3') OR r.ev_type = '4' AND r.is_instead)
             ORDER BY 1) AS rewriting,
       ARRAY(SELECT format('%%s by %%s', t.tgname, t.tgfoid::regproc) FROM pg_trigger AS t
             WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('A', session.fires)
               AND t.tgtype & 3 = 3 ORDER BY 1) AS before,
       ARRAY(SELECT format('%%s by %%s', t.tgname, t.tgfoid::regproc) FROM pg_trigger AS t
             WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('A', session.fires)
               AND t.tgtype & 3 <> 3
             UNION ALL
             SELECT format('rule %%s', quote_ident(r.rulename)) FROM pg_rewrite AS r
             WHERE r.ev_class = c.oid AND r.ev_enabled IN ('A', session.fires)
               AND r.ev_type = '4' AND NOT r.is_instead
             ORDER BY 1) AS after,
       ARRAY(SELECT i.indexrelid::regclass::text FROM pg_index AS i
             WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion)
               AND %(key)s::text[] <>
                   ARRAY(SELECT k.attname::text
                         FROM unnest((i.indkey::smallint[])[0:i.indnkeyatts - 1]) AS part (attnum)
                         LEFT JOIN pg_attribute AS k
                             ON k.attrelid = c.oid AND k.attnum = part.attnum AND part.attnum > 0
                         ORDER BY k.attname::text COLLATE "C")
             UNION ALL
             SELECT n.conname::text FROM pg_constraint AS n
             WHERE n.contype = 'f' AND c.oid IN (n.conrelid, n.confrelid)
             ORDER BY 1) AS constraints,
       ARRAY(SELECT i.indexrelid::regclass::text FROM pg_index AS i
             WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL
               AND NOT EXISTS (
                   SELECT FROM unnest((i.indkey::smallint[])[0:i.indnkeyatts - 1]) AS part (attnum)
                   LEFT JOIN pg_attribute AS k
                       ON k.attrelid = c.oid AND k.attnum = part.attnum AND part.attnum > 0
                   WHERE k.attname IS NULL OR k.attname <> ALL (%(constant)s::text[]))
             ORDER BY 1) AS one_row,
       ARRAY(SELECT p.pubname::text
             FROM pg_publication AS p
             JOIN pg_publication_tables AS published USING (pubname)
             WHERE (p.pubupdate OR p.pubdelete)
               AND (published.schemaname, published.tablename) = (n.nspname, c.relname)
               AND (c.relreplident = 'n'
                    OR c.relreplident = 'd' AND NOT EXISTS (
                        SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary
                                                    AND i.indimmediate))
             ORDER BY 1) AS unidentified,
       -- As JSON: servers before 15 have no such columns.
       ARRAY(SELECT p.pubname::text
             FROM pg_publication AS p
             JOIN pg_publication_rel AS part ON part.prpubid = p.oid AND part.prrelid = c.oid,
                  to_jsonb(part) AS told
             WHERE (p.pubupdate OR p.pubdelete)
               AND (EXISTS (SELECT FROM unnest(identity.columns) AS one
                            WHERE NOT told -> 'prattrs' @> to_jsonb(one))
                    OR EXISTS (SELECT FROM regexp_matches(told ->> 'prqual', ':varattno (\d+)', 'g')
                                           AS used
                               WHERE used[1]::smallint <> ALL(identity.columns)))
             ORDER BY 1) AS narrowed,
       (SELECT count(*)::int FROM pg_subscription_rel AS s WHERE s.srrelid = c.oid)
           AS subscriptions
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT array_agg(a.attnum) AS columns
    FROM pg_attribute AS a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      AND (c.relreplident = 'f'
           OR EXISTS (SELECT FROM pg_index AS i
                      WHERE i.indrelid = c.oid AND a.attnum = ANY(i.indkey::smallint[])
                        AND (c.relreplident = 'd' AND i.indisprimary
                             OR c.relreplident = 'i' AND i.indisreplident)))
) AS identity
CROSS JOIN (SELECT CASE current_setting('session_replication_role')
                   WHEN 'replica' THEN 'R'::"char" ELSE 'O'::"char" END AS fires) AS session
WHERE n.nspname = 'public' AND c.relname = %(table)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')

-- name: references
-- The foreign keys of a table, and whether this role may look which values they allow.
SELECT n.conname::text AS name,
       ARRAY(SELECT a.attname::text FROM unnest(n.conkey) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_attribute AS a ON a.attrelid = n.conrelid AND a.attnum = k.attnum
             ORDER BY k.place) AS columns,
       n.confrelid::regclass::text AS target,
       ARRAY(SELECT a.attname::text FROM unnest(n.confkey) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_attribute AS a ON a.attrelid = n.confrelid AND a.attnum = k.attnum
             ORDER BY k.place) AS target_columns,
       has_table_privilege(n.confrelid, 'SELECT')
           AND has_schema_privilege(target.relnamespace, 'USAGE') AS readable
FROM pg_constraint AS n
JOIN pg_class AS target ON target.oid = n.confrelid
WHERE n.conrelid = to_regclass(%(table)s) AND n.contype = 'f'
ORDER BY 1

-- name: number_given_last
-- The number that a table of ours gave out last; NULL where none was, or this role may not mend it.
SELECT s.last_value
FROM pg_class AS c
JOIN pg_sequences AS s
    ON format('%%I.%%I', s.schemaname, s.sequencename) =
       pg_get_serial_sequence(%(table)s, %(column)s)
WHERE c.oid = to_regclass(%(table)s) AND pg_has_role(c.relowner, 'USAGE')

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

-- name: stored_columns
-- What each column of a table is in the end, domains taken off, with and without its limits, and
-- the limit of the column of the feedback that fills it.
WITH RECURSIVE typed AS (
    SELECT a.attnum, a.attname::text AS name, a.atttypid AS type, a.atttypmod AS modifier
    FROM pg_attribute AS a
    WHERE a.attrelid = to_regclass(%(table)s) AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attname = ANY (%(columns)s::text[])
    UNION ALL
    SELECT typed.attnum, typed.name, t.typbasetype, t.typtypmod
    FROM typed JOIN pg_type AS t ON t.oid = typed.type
    WHERE t.typtype = 'd'
)
SELECT typed.name,
       format_type(typed.type, typed.modifier) AS type,
       format_type(typed.type, -1) AS plain,
       t.typtype::text AS kind,
       CASE WHEN s.atttypid = 'varchar'::regtype THEN nullif(s.atttypmod, -1) - 4 END
           AS source_limit
FROM typed
JOIN pg_type AS t ON t.oid = typed.type AND t.typtype <> 'd'
JOIN unnest(%(columns)s::text[], %(sources)s::text[]) AS named (name, source)
    ON named.name = typed.name
LEFT JOIN pg_attribute AS s
    ON s.attrelid = to_regclass(%(feedback)s) AND s.attname = named.source AND NOT s.attisdropped
ORDER BY typed.attnum

-- name: table_checks
-- The CHECK constraints of a table and of the domains of its columns, as far as they are enforced.
WITH RECURSIVE typed AS (
    SELECT a.attname::text AS name, a.atttypid AS type
    FROM pg_attribute AS a
    WHERE a.attrelid = to_regclass(%(table)s) AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attname = ANY (%(columns)s::text[])
    UNION ALL
    SELECT typed.name, t.typbasetype FROM typed JOIN pg_type AS t ON t.oid = typed.type
    WHERE t.typtype = 'd'
)
SELECT n.conname::text AS name,
       pg_get_expr(n.conbin, n.conrelid) AS condition,
       ARRAY(SELECT a.attname::text FROM unnest(n.conkey) AS k (attnum)
             JOIN pg_attribute AS a ON a.attrelid = n.conrelid AND a.attnum = k.attnum
             ORDER BY a.attnum) AS columns,
       false AS of_domain
FROM pg_constraint AS n
WHERE n.conrelid = to_regclass(%(table)s) AND n.contype = 'c'
  AND coalesce((to_jsonb(n) ->> 'conenforced')::boolean, true)
UNION ALL
SELECT n.conname::text, pg_get_expr(n.conbin, 0), ARRAY[typed.name], true
FROM typed JOIN pg_constraint AS n ON n.contypid = typed.type AND n.contype = 'c'
ORDER BY 1

-- name: table_columns
-- The columns of one table as this role sees it: no rows if the table is not there.
-- Without a schema the first match on search_path counts, as in any query.
SELECT a.attname::text AS name,
       format_type((WITH RECURSIVE base AS (
                        SELECT t.oid, t.typbasetype
                        UNION ALL
                        SELECT b.oid, b.typbasetype
                        FROM base JOIN pg_type AS b ON b.oid = base.typbasetype)
                    SELECT oid FROM base WHERE typbasetype = 0), NULL) AS type,
       t.typtype = 'e' AS is_enum,
       n.nspname::text AS schema,
       has_schema_privilege(n.oid, 'USAGE') AS can_enter,
       has_column_privilege(c.oid, a.attnum, 'SELECT') AS can_select,
       has_table_privilege(c.oid, 'INSERT') AS can_insert,
       has_table_privilege(c.oid, 'UPDATE') AS can_update,
       has_table_privilege(c.oid, 'DELETE') AS can_delete,
       c.relkind::text AS kind,
       c.relpersistence::text AS persistence,
       COALESCE(keys.immediate, false) AS has_key,
       COALESCE(keys.deferrable, false) AS has_deferrable_key
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
CROSS JOIN LATERAL (
    SELECT bool_or(i.indimmediate) AS immediate, bool_or(NOT i.indimmediate) AS deferrable
    FROM pg_index AS i
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
      AND i.indpred IS NULL
      AND i.indnkeyatts = cardinality(%(key)s::text[])
      AND %(key)s::text[] =
          (SELECT array_agg(k.attname::text ORDER BY k.attname::text COLLATE "C")
           FROM pg_attribute AS k
           WHERE k.attrelid = c.oid
             AND k.attnum = ANY ((i.indkey::smallint[])[0:i.indnkeyatts - 1]))) AS keys
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

-- name: triggers_of_tables
-- Triggers and rules of other people than Postgres on these tables, each with its table. By names: a
-- role that may not use their schema is told so elsewhere.
SELECT DISTINCT found.name || ' on ' || namespace.nspname || '.' || class.relname
FROM (SELECT tgname AS name, tgrelid AS relation
      FROM pg_trigger
      WHERE NOT tgisinternal AND tgenabled <> 'D'
      UNION ALL
      SELECT rulename, ev_class FROM pg_rewrite WHERE ev_enabled <> 'D' AND ev_type <> '1') AS found
JOIN pg_class AS class ON class.oid = found.relation
JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
WHERE namespace.nspname || '.' || class.relname = ANY (%(tables)s)
ORDER BY 1
