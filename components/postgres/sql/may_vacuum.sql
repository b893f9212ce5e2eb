-- Whether this role may vacuum the table: VACUUM itself only warns where it may not.
SELECT pg_has_role(relowner, 'USAGE')
           OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
           OR (SELECT pg_has_role(datdba, 'USAGE') FROM pg_database
               WHERE datname = current_database())
           OR CASE WHEN current_setting('server_version_num')::integer >= 170000
                   THEN has_table_privilege(oid, 'MAINTAIN') ELSE false END
FROM pg_class
WHERE oid = %(table)s::regclass
