-- What each publication looked like, and how far that lies from training and from the publications
-- before it. Counts and sketches: no account is named.
CREATE TABLE tens_insight.profile_metrics (
    window_start   timestamptz NOT NULL,
    window_end     timestamptz NOT NULL,
    granularity    text        NOT NULL,
    run_id         text        NOT NULL,
    publication_id bigint      NOT NULL,
    model_version  text        NOT NULL,
    slice_key      text        NOT NULL,
    slice_value    text        NOT NULL,
    column_name    text        NOT NULL,
    metric         text        NOT NULL,
    value          double precision,
    observations   double precision CHECK (observations >= 0),
    sketch         jsonb,
    PRIMARY KEY (window_end, run_id, slice_key, slice_value, column_name, metric)
);
COMMENT ON TABLE tens_insight.profile_metrics IS
    'What each publication looked like: a row for each measure. Kept for HISTORY_DAYS.';
COMMENT ON COLUMN tens_insight.profile_metrics.window_start IS
    'Begin of the events that were measured; as window_end for the state of the accounts.';
COMMENT ON COLUMN tens_insight.profile_metrics.window_end IS
    'as_of of the run, the moment that its scores speak of.';
COMMENT ON COLUMN tens_insight.profile_metrics.granularity IS
    'Length of the window, such as "7 days"; "moment" for the state at window_end.';
COMMENT ON COLUMN tens_insight.profile_metrics.slice_key IS
    'Column whose value divides rows or accounts, such as source; empty for all of them.';
COMMENT ON COLUMN tens_insight.profile_metrics.column_name IS
    'What was measured: a column, a group of features, a node; ":table" for the whole.';
COMMENT ON COLUMN tens_insight.profile_metrics.observations IS
    'Rows or accounts behind the value, where it is an average or a share of them.';
COMMENT ON COLUMN tens_insight.profile_metrics.sketch IS
    'What a number cannot hold, such as the columns of a table.';

CREATE TABLE tens_insight.drift_metrics (
    window_start   timestamptz NOT NULL,
    window_end     timestamptz NOT NULL,
    granularity    text        NOT NULL,
    run_id         text        NOT NULL,
    publication_id bigint      NOT NULL,
    model_version  text        NOT NULL,
    baseline       text        NOT NULL CHECK (baseline IN ('training', 'previous')),
    compared_with  text        NOT NULL,
    slice_key      text        NOT NULL,
    slice_value    text        NOT NULL,
    column_name    text        NOT NULL,
    metric         text        NOT NULL,
    value          double precision,
    usual_low      double precision,
    usual_high     double precision,
    statistic      text        NOT NULL,
    surprise       double precision,
    threshold      double precision,
    alarm          boolean     NOT NULL,
    opened_at      timestamptz,
    PRIMARY KEY (window_end, run_id, baseline, slice_key, slice_value, column_name, metric),
    CHECK (alarm = (opened_at IS NOT NULL))
);
CREATE INDEX drift_metrics_alarms ON tens_insight.drift_metrics (window_end) WHERE alarm;
COMMENT ON TABLE tens_insight.drift_metrics IS
    'How far each measure lies from what training or the former publications make likely.';
COMMENT ON COLUMN tens_insight.drift_metrics.baseline IS
    'training: what the champion learnt from. previous: the publications before this one.';
COMMENT ON COLUMN tens_insight.drift_metrics.compared_with IS
    'Version of the champion, or the as_of of the newest publication that was compared with.';
COMMENT ON COLUMN tens_insight.drift_metrics.usual_low IS
    'Between usual_low and usual_high nothing is unusual. NULL: not enough history.';
COMMENT ON COLUMN tens_insight.drift_metrics.statistic IS
    'jump: beyond the weeks before. stays 3, stays 7: all of so many weeks beyond the quarter before. '
    'month: the mean of 4 weeks beyond such means of the quarter before.';
COMMENT ON COLUMN tens_insight.drift_metrics.surprise IS
    'Distance from what was expected, in usual deviations; its sign says in which direction.';
COMMENT ON COLUMN tens_insight.drift_metrics.threshold IS
    'Surprise from which an alarm is raised: it follows from FALSE_ALARMS_PER_YEAR.';
COMMENT ON COLUMN tens_insight.drift_metrics.opened_at IS
    'as_of of the run that raised the alarm first. Measures with one moment are one alarm.';
