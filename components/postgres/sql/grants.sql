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

-- The reader sees the results, and what they can be joined to. What stands behind the scores
-- (tens_insight.account_risk_details) is granted by `db init` to whoever may read the scores.
GRANT CONNECT ON DATABASE {database} TO {reader};
GRANT USAGE ON SCHEMA public, tens_insight TO {reader};
ALTER DEFAULT PRIVILEGES FOR ROLE {installer} IN SCHEMA public
    GRANT SELECT ON TABLES TO {reader};

-- The columns of the feedback without its text, which stays out of reach.
GRANT USAGE ON SCHEMA {input_schema} TO {pipeline}, {reader};
GRANT SELECT ({feedback_columns}) ON {feedback} TO {pipeline}, {reader};

-- Tables that are there already.
