-- Scores between two runs: incremental publications, and how far what makes them has read.
ALTER TABLE tens_insight.publications
    DROP CONSTRAINT publications_kind_check,
    ADD CONSTRAINT publications_kind_check
        CHECK (kind IN ('published', 'existing', 'incremental')),
    ADD COLUMN increment jsonb;
COMMENT ON COLUMN tens_insight.publications.kind IS
    'published: all accounts of one moment, by a run. existing: rows that were in the table before our '
    'first publication, recorded with it. incremental: accounts scored between two runs, on one UTC day '
    'with one model; the line grows, and as_of is the moment of its newest rows.';
COMMENT ON COLUMN tens_insight.publications.increment IS
    'Of an incremental publication: base (the full publication that it stands upon), steps (how often '
    'it grew), and sums by which it grows and the circuit breaker looks at the whole day. NULL: full.';

CREATE TABLE tens_insight.stream_positions (
    source       text        PRIMARY KEY CHECK (source IN ('scan', 'slot', 'kafka')),
    position     jsonb       NOT NULL,
    read_up_to   timestamptz NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tens_insight.stream_positions IS
    'Up to where each source of new feedback was read; written in the transaction of the scores that '
    'came of it.';
COMMENT ON COLUMN tens_insight.stream_positions.position IS
    'What the source goes on from; sweep: the accounts that time or a loss makes due, as far as they '
    'are done.';
COMMENT ON COLUMN tens_insight.stream_positions.read_up_to IS
    'The moment of the last reading: feedback that was committed before it is in the scores.';
