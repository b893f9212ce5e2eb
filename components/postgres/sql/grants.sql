-- Run this as a superuser before `tens-insight db init`, and again whenever you like:
-- it repeats, and adds rights to tables that were missing the time before.

-- The installer runs `tens-insight db init`, and owns what that creates.
GRANT CONNECT ON DATABASE {database} TO {installer};
GRANT USAGE, CREATE ON SCHEMA public TO {installer};
CREATE SCHEMA IF NOT EXISTS tens_insight AUTHORIZATION {installer};

-- The pipeline's role runs everything else.
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {pipeline};
GRANT USAGE ON SCHEMA public, tens_insight TO {pipeline};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tens_insight TO {pipeline};
ALTER DEFAULT PRIVILEGES FOR ROLE {installer} IN SCHEMA tens_insight
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {pipeline};
ALTER DEFAULT PRIVILEGES FOR ROLE {installer} IN SCHEMA public
    GRANT {output_rights} ON TABLES TO {pipeline};

-- The reader sees the results, and what they can be joined to.
GRANT CONNECT ON DATABASE {database} TO {reader};
GRANT USAGE ON SCHEMA public TO {reader};
ALTER DEFAULT PRIVILEGES FOR ROLE {installer} IN SCHEMA public
    GRANT SELECT ON TABLES TO {reader};

-- The columns of the feedback without its text, which stays out of reach.
GRANT USAGE ON SCHEMA {input_schema} TO {pipeline}, {reader};
GRANT SELECT ({feedback_columns}) ON {feedback} TO {pipeline}, {reader};

-- Tables that are there already.
