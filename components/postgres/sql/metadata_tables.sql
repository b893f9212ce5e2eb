-- What a database holds, as far as ML Metadata is concerned.
SELECT current_schema()::text,
       count(c.oid) FILTER (WHERE c.relkind IN ('r', 'p', 'v', 'm')),
       count(c.oid) FILTER (WHERE c.relname = 'mlmdenv') > 0,
       min(c.relname::text) FILTER (WHERE c.relkind IN ('r', 'p', 'v', 'm')),
       has_schema_privilege(current_schema(), 'CREATE'),
       coalesce(
           bool_and(has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE'))
               FILTER (WHERE c.relname IN ('mlmdenv', 'artifact', 'execution')),
           true
       )
FROM (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AS n
LEFT JOIN pg_class AS c ON c.relnamespace = n.oid
