-- Every attempt to run, however it ended: runs that publish nothing leave no other trace here.
CREATE TABLE tens_insight.runs (
    run_id        text        PRIMARY KEY,
    kind          text        NOT NULL CHECK (kind IN ('train', 'score', 'tune')),
    state         text        NOT NULL CHECK (state IN ('waiting', 'running', 'complete', 'failed',
                                                        'interrupted', 'killed', 'not started')),
    started_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    run_by        text        NOT NULL,
    exit_code     integer,
    error         text        NOT NULL DEFAULT '',
    sentence      text        NOT NULL DEFAULT '',
    failed_node   text        NOT NULL DEFAULT '',
    model_version text        NOT NULL DEFAULT '',
    published     text[]      NOT NULL DEFAULT '{}',
    warnings      text[]      NOT NULL DEFAULT '{}',
    log           text        NOT NULL DEFAULT '',
    report        text        NOT NULL DEFAULT '',
    state_dir     text        NOT NULL DEFAULT ''
);
CREATE INDEX runs_newest ON tens_insight.runs (started_at DESC);
COMMENT ON TABLE tens_insight.runs IS
    'Every attempt to run, also those that published nothing. The state directory has them too.';
COMMENT ON COLUMN tens_insight.runs.run_id IS 'As in publications and refusals.';
COMMENT ON COLUMN tens_insight.runs.ended_at IS 'NULL: at work, or nobody saw its end.';
COMMENT ON COLUMN tens_insight.runs.exit_code IS 'Of the command. NULL: at work, or killed.';
COMMENT ON COLUMN tens_insight.runs.sentence IS 'What came of it, or why it failed.';
COMMENT ON COLUMN tens_insight.runs.log IS 'Path of the log file on the machine that ran.';
