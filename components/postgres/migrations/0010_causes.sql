-- What the feedback says about the cause of a change, with each publication.
CREATE TABLE tens_insight.score_causes (
    publication_id bigint      PRIMARY KEY,
    cause          text        NOT NULL
        CHECK (cause IN ('enrichment changed', 'customers changed', 'source or pipeline changed',
                         'season', 'not known')),
    days_ago       integer     CHECK (days_ago > 0),
    evidence       text[]      NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tens_insight.score_causes IS
    'What the feedback of the last 84 days says about a change, by publication; counts alone.';
COMMENT ON COLUMN tens_insight.score_causes.days_ago IS
    'Days from the beginning of the change to the publication. NULL: not known.';
COMMENT ON COLUMN tens_insight.score_causes.evidence IS
    'Sentences, those for the cause first.';

-- Whoever may read the scores may read it.
DO $$
DECLARE
    reader name;
BEGIN
    FOR reader IN
        SELECT DISTINCT role.rolname
        FROM pg_class AS scores
        CROSS JOIN LATERAL aclexplode(scores.relacl) AS acl
        JOIN pg_roles AS role ON role.oid = acl.grantee
        WHERE scores.oid = 'public.account_risk_scores'::regclass
          AND acl.privilege_type = 'SELECT'
          AND acl.grantee <> scores.relowner
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA tens_insight TO %I', reader);
        EXECUTE format('GRANT SELECT ON tens_insight.score_causes TO %I', reader);
    END LOOP;
END
$$;
