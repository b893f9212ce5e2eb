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
