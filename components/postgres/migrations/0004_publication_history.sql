-- What each publication wrote, so that any two can be compared and the newest undone; and the
-- rows that the circuit breaker refused. Publications of before have no rows here.
ALTER TABLE tens_insight.publications
    ADD kind            text    NOT NULL DEFAULT 'published' CHECK (kind IN ('published', 'found')),
    ADD has_history     boolean NOT NULL DEFAULT false,
    ADD removes_others  boolean NOT NULL DEFAULT false,
    ADD published_by    text,
    ADD accepted_shift  text,
    ADD broken_limits   text[]  NOT NULL DEFAULT '{}',
    ADD undone_at       timestamptz,
    ADD undone_by       text,
    ADD undo_reason     text,
    ADD dropped_up_to   bigint,
    ADD CHECK ((undone_at IS NULL) = (undone_by IS NULL)
               AND (undone_at IS NULL) = (undo_reason IS NULL));
COMMENT ON COLUMN tens_insight.publications.kind IS
    'found: rows that were in the table before the publication that follows, recorded with it.';
COMMENT ON COLUMN tens_insight.publications.removes_others IS
    'Whether rows of other keys were removed: the table then held these rows and no others.';
COMMENT ON COLUMN tens_insight.publications.accepted_shift IS
    'The reason given for publishing whatever the circuit breaker says.';
COMMENT ON COLUMN tens_insight.publications.broken_limits IS
    'What the circuit breaker said, a sentence each, where its refusal was overruled.';
COMMENT ON COLUMN tens_insight.publications.dropped_up_to IS
    'Retention dropped the rows that the publication of this id, or one before it, replaced.';

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
