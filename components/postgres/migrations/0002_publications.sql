-- The log of what was published: it guards against older runs and sudden shifts.
CREATE TABLE tens_insight.publications (
    publication_id   bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    attempt          uuid             NOT NULL UNIQUE,
    target_table     text             NOT NULL,
    as_of            timestamptz      NOT NULL,
    model_version    text             NOT NULL,
    label_source     text             NOT NULL,
    rows_written     bigint           NOT NULL CHECK (rows_written >= 0),
    rows_removed     bigint           NOT NULL CHECK (rows_removed >= 0),
    mean_probability double precision CHECK (mean_probability >= 0 AND mean_probability <= 1),
    category_shares  jsonb            NOT NULL,
    feedback_rows    bigint           CHECK (feedback_rows >= 0),
    run_id           text             NOT NULL,
    published_at     timestamptz      NOT NULL DEFAULT now()
);
CREATE INDEX publications_newest
    ON tens_insight.publications (target_table, as_of DESC, publication_id DESC);
COMMENT ON COLUMN tens_insight.publications.attempt IS
    'One per call of the publisher: a commit whose answer was lost is found again by it.';
COMMENT ON COLUMN tens_insight.publications.category_shares IS
    'Share of the written rows per category, 0..1; empty for a table without categories.';
COMMENT ON COLUMN tens_insight.publications.feedback_rows IS
    'Rows of feedback before as_of that were there then, if the run counted them.';
