-- What each account's score is made of, by publication: thinned out with age, so that a year of daily
-- publications stays small. Names of horizons and groups are kept once for each publication.
CREATE TABLE tens_insight.contribution_layouts (
    publication_id bigint      PRIMARY KEY,
    horizons       integer[]   NOT NULL CHECK (cardinality(horizons) > 0),
    horizon_days   integer     NOT NULL CHECK (horizon_days = ANY (horizons)),
    groups         text[]      NOT NULL,
    accounts       bigint      NOT NULL CHECK (accounts >= 0),
    digest         numeric     NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tens_insight.contribution_layouts IS
    'What the arrays of account_contributions hold, by publication, and what was written.';
COMMENT ON COLUMN tens_insight.contribution_layouts.horizons IS
    'Days of the places of account_contributions.probabilities.';
COMMENT ON COLUMN tens_insight.contribution_layouts.horizon_days IS
    'Days of the horizon that churn_probability itself is of.';
COMMENT ON COLUMN tens_insight.contribution_layouts.groups IS
    'Feature groups of the places of account_contributions.log_odds. Empty: without reasons.';
COMMENT ON COLUMN tens_insight.contribution_layouts.accounts IS
    'Rows that were written; those of accounts that were forgotten since are counted.';
COMMENT ON COLUMN tens_insight.contribution_layouts.digest IS
    'Sum of hashes of the rows as they were written: the same rows are not written again.';

CREATE TABLE tens_insight.account_contributions (
    publication_id bigint NOT NULL,
    account_id     text   NOT NULL,
    base_log_odds  real,
    probabilities  real[] NOT NULL,
    log_odds       real[],
    customer_tier  text,
    region         text,
    silence_state  text   NOT NULL CHECK (silence_state IN ('new', 'active', 'quiet', 'silent')),
    PRIMARY KEY (publication_id, account_id),
    CHECK ((base_log_odds IS NULL) = (log_odds IS NULL))
);
-- ANALYZE has nothing to learn from arrays.
ALTER TABLE tens_insight.account_contributions
    ALTER probabilities SET STATISTICS 0,
    ALTER log_odds SET STATISTICS 0;
COMMENT ON TABLE tens_insight.account_contributions IS
    'What each score is made of: all publications of the last days, one a week, one a month.';

-- The change of the mean score from one publication to the next, in parts that add up to it.
CREATE TABLE tens_insight.score_changes (
    publication_id        bigint           NOT NULL,
    former_publication_id bigint           NOT NULL,
    part                  text             NOT NULL
        CHECK (part IN ('came', 'left', 'group', 'model', 'rest')),
    feature_group         text             NOT NULL DEFAULT '',
    accounts              bigint           NOT NULL CHECK (accounts >= 0),
    change                double precision NOT NULL,
    PRIMARY KEY (publication_id, part, feature_group),
    CHECK ((part = 'group') = (feature_group <> ''))
);
COMMENT ON TABLE tens_insight.score_changes IS
    'Why the mean churn_probability changed since the publication before: the parts add up.';
COMMENT ON COLUMN tens_insight.score_changes.part IS
    'came, left: accounts of one publication only; group: a feature group of the accounts in both; '
    'model: these, where another model scored or no reasons were recorded; rest: rounding.';
COMMENT ON COLUMN tens_insight.score_changes.accounts IS 'How many accounts the part is made of.';
COMMENT ON COLUMN tens_insight.score_changes.change IS
    'What the part adds to the mean; 0.01 is one percent point.';

-- For readers: which publications there are, and what scores are made of, without who published.
CREATE VIEW tens_insight.score_publications AS
SELECT run.publication_id, run.kind, run.as_of, run.published_at, run.model_version,
       run.rows_written AS accounts, run.mean_probability, run.category_shares, run.risk_bands,
       run.undone_at IS NOT NULL AS undone, run.dropped_up_to IS NULL AS has_all_rows,
       layout.horizon_days, layout.horizons, layout.groups
FROM tens_insight.publications AS run
LEFT JOIN tens_insight.contribution_layouts AS layout USING (publication_id)
WHERE run.target_table = 'account_risk_scores';
COMMENT ON VIEW tens_insight.score_publications IS
    'The publications of account_risk_scores, without who published and why one was undone.';
COMMENT ON COLUMN tens_insight.score_publications.groups IS
    'Feature groups of account_score_parts. NULL: what the scores are made of is not kept; empty: '
    'published without reasons.';

CREATE VIEW tens_insight.account_score_parts AS
SELECT part.publication_id, run.as_of, run.model_version, run.undone_at IS NOT NULL AS undone,
       part.account_id, layout.horizon_days, layout.horizons, part.probabilities,
       part.probabilities[array_position(layout.horizons, layout.horizon_days)]::double precision
           AS churn_probability,
       part.base_log_odds, layout.groups, part.log_odds, part.customer_tier, part.region,
       part.silence_state
FROM tens_insight.account_contributions AS part
JOIN tens_insight.contribution_layouts AS layout USING (publication_id)
JOIN tens_insight.publications AS run USING (publication_id);
COMMENT ON VIEW tens_insight.account_score_parts IS
    'What scores are made of: base_log_odds and all log_odds, of the groups in their order, make '
    'the log-odds of churn_probability.';

-- Whoever may read the scores may read them.
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
        EXECUTE format('GRANT SELECT ON tens_insight.account_risk_score_runs, '
                       'tens_insight.score_publications, tens_insight.account_score_parts, '
                       'tens_insight.score_changes TO %I', reader);
    END LOOP;
END
$$;
