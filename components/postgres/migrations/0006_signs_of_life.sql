-- A run that was killed on another machine cannot be asked: it says now and then that it lives.
ALTER TABLE tens_insight.runs ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN tens_insight.runs.seen_at IS
    'When the run last said that it lives, each minute while it is at work, or how it ended.';
