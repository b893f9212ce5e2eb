-- Which database this is: models and state of another one are refused. A backup that is restored
-- has it too; a database that only holds a copy of the feedback gets one of its own.
CREATE TABLE tens_insight.database_identity (
    single  boolean     PRIMARY KEY DEFAULT true CHECK (single),
    id      uuid        NOT NULL DEFAULT gen_random_uuid(),
    made_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO tens_insight.database_identity DEFAULT VALUES;
