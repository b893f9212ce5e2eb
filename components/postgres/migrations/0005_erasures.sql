-- That an account was forgotten, and how much went; never which one.
CREATE TABLE tens_insight.erasures (
    erasure_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    erased_at     timestamptz NOT NULL DEFAULT now(),
    erased_by     text        NOT NULL,
    rows_removed  jsonb       NOT NULL CHECK (jsonb_typeof(rows_removed) = 'object')
);
COMMENT ON TABLE tens_insight.erasures IS
    'Each `tens-insight forget`: rows removed by table, and texts changed. No id is kept.';
