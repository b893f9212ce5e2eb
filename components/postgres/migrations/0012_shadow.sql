-- What models say that score beside the champion and are never published. A line says which models
-- they were; lines stay, and scores are thinned out with age.
CREATE TABLE tens_insight.shadow_models (
    publication_id bigint      NOT NULL,
    place          integer     NOT NULL CHECK (place > 0),
    model_version  text        NOT NULL,
    role           text        NOT NULL,
    horizons       integer[]   NOT NULL CHECK (cardinality(horizons) > 0),
    horizon_days   integer     NOT NULL CHECK (horizon_days = ANY (horizons)),
    accounts       bigint      NOT NULL CHECK (accounts >= 0),
    kept           boolean     NOT NULL DEFAULT true,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (publication_id, place),
    UNIQUE (publication_id, model_version)
);
COMMENT ON TABLE tens_insight.shadow_models IS
    'Which models scored beside a publication without being published, and as what.';
COMMENT ON COLUMN tens_insight.shadow_models.role IS
    'former champion, newest challenger, pinned, or other half: of the other model of a split.';
COMMENT ON COLUMN tens_insight.shadow_models.horizons IS
    'Days of the places of shadow_scores.probabilities.';
COMMENT ON COLUMN tens_insight.shadow_models.accounts IS
    'Rows that were written; those of accounts that were forgotten since are counted.';
COMMENT ON COLUMN tens_insight.shadow_models.kept IS
    'Whether its rows in shadow_scores are kept.';

CREATE TABLE tens_insight.shadow_scores (
    publication_id bigint  NOT NULL,
    place          integer NOT NULL,
    account_id     text    NOT NULL,
    probabilities  real[]  NOT NULL,
    PRIMARY KEY (publication_id, place, account_id)
);
-- ANALYZE has nothing to learn from arrays.
ALTER TABLE tens_insight.shadow_scores ALTER probabilities SET STATISTICS 0;
COMMENT ON TABLE tens_insight.shadow_scores IS
    'Probabilities that were not published, by horizon: all publications of the last days, one a '
    'week as long as outcomes need it, one a month.';

-- Which of two models scored an account, where two share the accounts.
ALTER TABLE tens_insight.publications ADD COLUMN split jsonb;
COMMENT ON COLUMN tens_insight.publications.split IS
    'The split by which accounts were scored with another model than model_version: number, both '
    'models, share of the second, salt, and how many accounts each scored. NULL: one model alone.';
