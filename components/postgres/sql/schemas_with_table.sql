-- Where else a table of this name stands, for a hint about search_path.
SELECT n.nspname::text
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = %(table)s
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname <> 'pg_catalog' AND n.nspname NOT LIKE 'pg\_temp%%'
ORDER BY n.nspname
