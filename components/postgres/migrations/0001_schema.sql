-- The two tables that GoInsight reads. Where it made one first, that one stays as it is:
-- not even an index is added. The condition comes first because CREATE ... IF NOT EXISTS asks for
-- the right to create even where the table exists.
-- Indexes have the names that GoInsight's migrations use, which then add no second ones.
-- NaN is refused by the upper limits: Postgres sorts it above every number.
DO $$
BEGIN
    IF to_regclass('public.account_risk_scores') IS NULL THEN
        CREATE TABLE public.account_risk_scores (
            account_id        varchar          PRIMARY KEY,
            churn_probability double precision NOT NULL
                CHECK (churn_probability >= 0 AND churn_probability <= 1),
            health_score      double precision NOT NULL
                CHECK (health_score >= 0 AND health_score <= 100),
            risk_category     varchar          NOT NULL
                CHECK (risk_category IN ('low', 'medium', 'high', 'critical')),
            predicted_at      timestamptz      NOT NULL DEFAULT now(),
            model_version     varchar          NOT NULL
        );
        CREATE INDEX idx_account_risk_category ON public.account_risk_scores (risk_category);
        CREATE INDEX idx_account_predicted_at ON public.account_risk_scores (predicted_at DESC);
        CREATE INDEX idx_account_health_score ON public.account_risk_scores (health_score);
        -- GoInsight joins feedback on it: hundreds of times as slow without.
        CREATE INDEX idx_account_id_lower ON public.account_risk_scores (lower(account_id));
    END IF;

    IF to_regclass('public.product_area_impact') IS NULL THEN
        CREATE TABLE public.product_area_impact (
            product_area        varchar          NOT NULL,
            segment             varchar          NOT NULL,
            priority_score      double precision NOT NULL
                CHECK (priority_score >= 0 AND priority_score <= 100),
            feedback_count      integer          NOT NULL CHECK (feedback_count >= 0),
            avg_sentiment_score double precision NOT NULL
                CHECK (avg_sentiment_score >= -1 AND avg_sentiment_score <= 1),
            negative_count      integer          NOT NULL CHECK (negative_count >= 0),
            critical_count      integer          NOT NULL CHECK (critical_count >= 0),
            predicted_at        timestamptz      NOT NULL DEFAULT now(),
            model_version       varchar          NOT NULL,
            PRIMARY KEY (product_area, segment)
        );
        CREATE INDEX idx_product_area_priority ON public.product_area_impact (priority_score DESC);
        CREATE INDEX idx_product_area_predicted_at ON public.product_area_impact (predicted_at DESC);
        CREATE INDEX idx_product_area_segment ON public.product_area_impact (segment);
    END IF;
END
$$;

-- The log of what was published: it guards against older runs and sudden shifts.
CREATE TABLE tens_insight.publications (
    publication_id   bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    attempt          uuid             NOT NULL UNIQUE,
    target_table     text             NOT NULL,
    kind             text             NOT NULL DEFAULT 'published'
        CHECK (kind IN ('published', 'existing')),
    as_of            timestamptz      NOT NULL,
    model_version    text             NOT NULL,
    label_source     text             NOT NULL,
    rows_written     bigint           NOT NULL CHECK (rows_written >= 0),
    rows_removed     bigint           NOT NULL CHECK (rows_removed >= 0),
    removes_others   boolean          NOT NULL DEFAULT false,
    mean_probability double precision CHECK (mean_probability >= 0 AND mean_probability <= 1),
    category_shares  jsonb            NOT NULL,
    risk_bands       jsonb,
    feedback_rows    bigint           CHECK (feedback_rows >= 0),
    run_id           text             NOT NULL,
    published_at     timestamptz      NOT NULL DEFAULT now(),
    published_by     text             NOT NULL,
    accepted_shift   text,
    broken_limits    text[]           NOT NULL DEFAULT '{}',
    undone_at        timestamptz,
    undone_by        text,
    undo_reason      text,
    dropped_up_to    bigint,
    CHECK ((undone_at IS NULL) = (undone_by IS NULL)
           AND (undone_at IS NULL) = (undo_reason IS NULL))
);
CREATE INDEX publications_newest
    ON tens_insight.publications (target_table, as_of DESC, publication_id DESC);
COMMENT ON COLUMN tens_insight.publications.attempt IS
    'One per call of the publisher: a commit whose answer was lost is found again by it.';
COMMENT ON COLUMN tens_insight.publications.category_shares IS
    'Share of the written rows per category, 0..1; empty for a table without categories.';
COMMENT ON COLUMN tens_insight.publications.feedback_rows IS
    'Rows of feedback before as_of that were there then, if the run counted them.';
COMMENT ON COLUMN tens_insight.publications.kind IS
    'existing: rows that were in the table before our first publication, recorded with it.';
COMMENT ON COLUMN tens_insight.publications.removes_others IS
    'Whether rows of other keys were removed: the table then held these rows and no others.';
COMMENT ON COLUMN tens_insight.publications.accepted_shift IS
    'The reason given for publishing whatever the circuit breaker says.';
COMMENT ON COLUMN tens_insight.publications.broken_limits IS
    'What the circuit breaker said, a sentence each, where its refusal was overruled.';
COMMENT ON COLUMN tens_insight.publications.dropped_up_to IS
    'Retention dropped the rows that the publication of this id, or one before it, replaced.';
COMMENT ON COLUMN tens_insight.publications.risk_bands IS
    'Rule of the categories: mode, its numbers, base rate, cuts where it has some; changed_from: '
    'the rule of the last publication, where that was another. NULL: no categories, or existing rows.';

-- What each publication wrote, so that any two can be compared and the newest undone; and the
-- rows that the circuit breaker refused.
-- publication_id refers to publications without a foreign key: rows are written in the transaction
-- of their publication, which is never deleted, and a check of each row takes as long as the row.
CREATE TABLE tens_insight.account_risk_score_history (
    publication_id    bigint NOT NULL,
    account_id        text   NOT NULL,
    churn_probability double precision,
    health_score      double precision,
    risk_category     text,
    predicted_at      timestamptz,
    model_version     text,
    PRIMARY KEY (account_id, publication_id)
);
CREATE INDEX account_risk_score_history_publication
    ON tens_insight.account_risk_score_history (publication_id);

CREATE TABLE tens_insight.product_area_impact_history (
    publication_id      bigint NOT NULL,
    product_area        text   NOT NULL,
    segment             text   NOT NULL,
    priority_score      double precision,
    feedback_count      integer,
    avg_sentiment_score double precision,
    negative_count      integer,
    critical_count      integer,
    predicted_at        timestamptz,
    model_version       text,
    PRIMARY KEY (product_area, segment, publication_id)
);
CREATE INDEX product_area_impact_history_publication
    ON tens_insight.product_area_impact_history (publication_id);

-- For people: the history beside the run and the moment that it speaks of.
CREATE VIEW tens_insight.account_risk_score_runs AS
SELECT run.run_id, run.as_of, run.published_at, run.kind, run.undone_at, score.*
FROM tens_insight.account_risk_score_history AS score
JOIN tens_insight.publications AS run USING (publication_id);
CREATE VIEW tens_insight.product_area_impact_runs AS
SELECT run.run_id, run.as_of, run.published_at, run.kind, run.undone_at, area.*
FROM tens_insight.product_area_impact_history AS area
JOIN tens_insight.publications AS run USING (publication_id);

CREATE TABLE tens_insight.refusals (
    refusal_id       bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    attempt          uuid             NOT NULL UNIQUE,
    target_table     text             NOT NULL,
    as_of            timestamptz      NOT NULL,
    model_version    text             NOT NULL,
    run_id           text             NOT NULL,
    rows_staged      bigint           NOT NULL CHECK (rows_staged >= 0),
    mean_probability double precision,
    category_shares  jsonb            NOT NULL,
    broken_limits    text[]           NOT NULL,
    refused_by       text             NOT NULL,
    refused_at       timestamptz      NOT NULL DEFAULT now()
);
COMMENT ON TABLE tens_insight.refusals IS
    'What the circuit breaker refused; the newest of each table keep their rows for inspection.';

CREATE TABLE tens_insight.account_risk_scores_refused (
    refusal_id        bigint NOT NULL REFERENCES tens_insight.refusals ON DELETE CASCADE,
    account_id        text   NOT NULL,
    churn_probability double precision,
    health_score      double precision,
    risk_category     text,
    predicted_at      timestamptz,
    model_version     text,
    PRIMARY KEY (refusal_id, account_id)
);

CREATE TABLE tens_insight.product_area_impact_refused (
    refusal_id          bigint NOT NULL REFERENCES tens_insight.refusals ON DELETE CASCADE,
    product_area        text   NOT NULL,
    segment             text   NOT NULL,
    priority_score      double precision,
    feedback_count      integer,
    avg_sentiment_score double precision,
    negative_count      integer,
    critical_count      integer,
    predicted_at        timestamptz,
    model_version       text,
    PRIMARY KEY (refusal_id, product_area, segment)
);

-- What stands behind each score, by publication; written in the transaction of its scores.
-- publication_id has no foreign key for the reason given above.
CREATE TABLE tens_insight.account_risk_detail_history (
    publication_id        bigint           NOT NULL,
    account_id            text             NOT NULL,
    percentile            double precision NOT NULL CHECK (percentile >= 0 AND percentile <= 100),
    lift                  double precision CHECK (lift >= 0),
    base_rate             double precision CHECK (base_rate > 0 AND base_rate < 1),
    churn_by_horizon      jsonb            NOT NULL CHECK (jsonb_typeof(churn_by_horizon) = 'object'),
    tenure_days           double precision NOT NULL CHECK (tenure_days >= 0),
    days_since_last_event double precision NOT NULL CHECK (days_since_last_event >= 0),
    silence_state         text             NOT NULL
        CHECK (silence_state IN ('new', 'active', 'quiet', 'silent')),
    base_log_odds         double precision,
    other_log_odds        double precision,
    reasons               jsonb            CHECK (jsonb_typeof(reasons) = 'array'),
    PRIMARY KEY (publication_id, account_id)
);
-- ANALYZE runs with each publication, and has nothing to learn from JSON.
ALTER TABLE tens_insight.account_risk_detail_history
    ALTER churn_by_horizon SET STATISTICS 0,
    ALTER reasons SET STATISTICS 0;

-- Of each account the publication that account_risk_scores shows: its newest among those that
-- were not undone, back to the last one that removed all other rows. An undo needs no more than its mark.
CREATE VIEW tens_insight.account_risk_details AS
SELECT detail.account_id, detail.publication_id, shown.predicted_at, shown.model_version,
       shown.churn_probability, shown.risk_category,
       run.risk_bands ->> 'mode' AS risk_bands,
       detail.percentile, detail.lift, detail.base_rate, detail.churn_by_horizon,
       detail.tenure_days, detail.days_since_last_event, detail.silence_state,
       detail.base_log_odds, detail.other_log_odds, detail.reasons
FROM (SELECT DISTINCT ON (account_id)
             account_id, publication_id, predicted_at, model_version, churn_probability,
             risk_category
      FROM tens_insight.account_risk_score_history
      WHERE publication_id IN (
          SELECT publication_id
          FROM tens_insight.publications
          WHERE target_table = 'account_risk_scores'
            AND undone_at IS NULL
            AND publication_id >= (SELECT coalesce(max(publication_id), 0)
                                   FROM tens_insight.publications
                                   WHERE target_table = 'account_risk_scores'
                                     AND undone_at IS NULL
                                     AND removes_others))
      ORDER BY account_id, publication_id DESC) AS shown
JOIN tens_insight.account_risk_detail_history AS detail USING (publication_id, account_id)
JOIN tens_insight.publications AS run USING (publication_id);

COMMENT ON TABLE tens_insight.account_risk_detail_history IS
    'What stands behind each score, by publication. The two newest states alone are kept.';
COMMENT ON VIEW tens_insight.account_risk_details IS
    'What stands behind each row of account_risk_scores. No row: published without details.';
COMMENT ON COLUMN tens_insight.account_risk_details.predicted_at IS
    'The moment that the score speaks of (as_of).';
COMMENT ON COLUMN tens_insight.account_risk_details.risk_bands IS
    'Rule of risk_category: probability (fixed cuts), lift or capacity.';
COMMENT ON COLUMN tens_insight.account_risk_details.percentile IS
    'Percent of the other accounts of the publication with a lower probability, 0..100.';
COMMENT ON COLUMN tens_insight.account_risk_details.lift IS
    'churn_probability / base_rate.';
COMMENT ON COLUMN tens_insight.account_risk_details.base_rate IS
    'Share of accounts that churn within the horizon, as the model recorded it.';
COMMENT ON COLUMN tens_insight.account_risk_details.churn_by_horizon IS
    'Probability of churn within so many days: {"30": 0.02, "60": 0.04}.';
COMMENT ON COLUMN tens_insight.account_risk_details.tenure_days IS
    'Days from the first feedback of the account to predicted_at.';
COMMENT ON COLUMN tens_insight.account_risk_details.days_since_last_event IS
    'Days from its newest feedback to predicted_at.';
COMMENT ON COLUMN tens_insight.account_risk_details.silence_state IS
    'silent: no feedback within the lookback; new: the first one less than 30 days ago; quiet: none '
    'for more than three usual gaps and 14 days, or a single one ever; else active.';
COMMENT ON COLUMN tens_insight.account_risk_details.base_log_odds IS
    'Log-odds before any reason. With all log_odds of reasons and other_log_odds it makes the '
    'log-odds of churn_probability.';
COMMENT ON COLUMN tens_insight.account_risk_details.other_log_odds IS
    'Sum of the reasons that are not listed.';
COMMENT ON COLUMN tens_insight.account_risk_details.reasons IS
    'Strongest reasons: [{"group", "direction": "raises" or "lowers", "log_odds", "text"}]. NULL: '
    'the model cannot give any.';

-- For people: a row for each reason, strongest first.
CREATE VIEW tens_insight.account_risk_reasons AS
SELECT detail.account_id, detail.churn_probability, detail.risk_category, reason.direction,
       reason."group", reason.log_odds, reason.text
FROM tens_insight.account_risk_details AS detail
CROSS JOIN LATERAL jsonb_to_recordset(detail.reasons)
    AS reason ("group" text, direction text, log_odds double precision, text text);
COMMENT ON VIEW tens_insight.account_risk_reasons IS
    'The reasons of account_risk_details, a row each.';

-- Whoever may read the scores may read what stands behind them, and nothing else of ours.
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
        EXECUTE format('GRANT SELECT ON tens_insight.account_risk_details, '
                       'tens_insight.account_risk_reasons TO %I', reader);
    END LOOP;
END
$$;

-- What `tens-insight simulate` wrote: feedback that is not listed here belongs to somebody else.
CREATE TABLE tens_insight.simulated_worlds (
    world_id   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seed       bigint      NOT NULL,
    scenario   text        NOT NULL,
    accounts   integer     NOT NULL CHECK (accounts > 0),
    days       integer     NOT NULL CHECK (days > 0),
    started_at timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL CHECK (ended_at > started_at),
    rows       bigint      NOT NULL CHECK (rows >= 0),
    created_at timestamptz NOT NULL DEFAULT now()
);
