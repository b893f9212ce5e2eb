-- How far the silences in account_departures were looked for, so that a run looks at the accounts
-- of which they may have changed since.
CREATE TABLE tens_insight.silence_marks (
    label_source   text        PRIMARY KEY,
    as_of          timestamptz NOT NULL,
    whole_as_of    timestamptz NOT NULL,
    publication_id bigint      NOT NULL,
    oldest         timestamptz NOT NULL,
    silence_days   integer     NOT NULL CHECK (silence_days > 0),
    feedback_rows  bigint      NOT NULL CHECK (feedback_rows >= 0),
    digest         numeric     NOT NULL,
    departures     bigint      NOT NULL CHECK (departures >= 0)
);
COMMENT ON TABLE tens_insight.silence_marks IS
    'What feedback and departures were like when silences were looked for last: one row.';
COMMENT ON COLUMN tens_insight.silence_marks.whole_as_of IS
    'as_of of the newest run that looked at all feedback.';
COMMENT ON COLUMN tens_insight.silence_marks.digest IS
    'Sum of hashes of account and moment of the feedback before as_of: a row that came late or '
    'went away changes it.';

COMMENT ON COLUMN tens_insight.contribution_layouts.digest IS
    'A hash of the rows as they were written: the same rows are not written again.';
