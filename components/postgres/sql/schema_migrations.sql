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
