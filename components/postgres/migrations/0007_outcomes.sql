-- What became of the accounts after each publication. A publication says for how many days it
-- speaks; once so many days are over, its window is closed and every score of it has an outcome.
ALTER TABLE tens_insight.publications
    ADD COLUMN horizon_days integer CHECK (horizon_days > 0),
    ADD COLUMN horizons     integer[] NOT NULL DEFAULT '{}',
    ADD COLUMN holdout      jsonb;
COMMENT ON COLUMN tens_insight.publications.horizon_days IS
    'Days that the probability of the table looks ahead. NULL: no probabilities, or no details.';
COMMENT ON COLUMN tens_insight.publications.horizons IS
    'All horizons of churn_by_horizon, in days, rising.';
COMMENT ON COLUMN tens_insight.publications.holdout IS
    'Share and salt by which accounts were held out of treatment. NULL: none were.';

-- A row for each publication and horizon whose window is closed, once the ground truth is known
-- that far.
CREATE TABLE tens_insight.outcome_windows (
    publication_id   bigint      NOT NULL,
    horizon_days     integer     NOT NULL CHECK (horizon_days > 0),
    label_source     text        NOT NULL,
    closed_at        timestamptz NOT NULL,
    measured_as_of   timestamptz NOT NULL,
    measured_at      timestamptz NOT NULL DEFAULT now(),
    run_id           text        NOT NULL,
    not_known        text,
    accounts         bigint      NOT NULL CHECK (accounts >= 0),
    accounts_left    bigint      NOT NULL CHECK (accounts_left >= 0),
    accounts_stayed  bigint      NOT NULL CHECK (accounts_stayed >= 0),
    accounts_unknown bigint      NOT NULL CHECK (accounts_unknown >= 0),
    corrected_at     timestamptz,
    rows_corrected   bigint      NOT NULL DEFAULT 0 CHECK (rows_corrected >= 0),
    PRIMARY KEY (publication_id, horizon_days),
    CHECK (accounts = accounts_left + accounts_stayed + accounts_unknown)
);
COMMENT ON TABLE tens_insight.outcome_windows IS
    'Publications whose window is over, by horizon: how many accounts left, stayed, are unknown.';
COMMENT ON COLUMN tens_insight.outcome_windows.closed_at IS
    'End of the window: as_of of the publication and so many days of 24 hours.';
COMMENT ON COLUMN tens_insight.outcome_windows.measured_as_of IS
    'as_of of the run that measured.';
COMMENT ON COLUMN tens_insight.outcome_windows.not_known IS
    'Why nothing is known of the accounts that are not known to have left. NULL: it is known.';
COMMENT ON COLUMN tens_insight.outcome_windows.rows_corrected IS
    'Outcomes that changed since they were measured, at corrected_at the last time.';

-- When accounts were gone, as the last run saw it. Kept by account and not by publication: one
-- that left is in the windows of hundreds of publications.
CREATE TABLE tens_insight.account_departures (
    account_id   text        NOT NULL,
    label_source text        NOT NULL,
    gone_from    timestamptz NOT NULL,
    gone_until   timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, label_source, gone_from)
);
COMMENT ON TABLE tens_insight.account_departures IS
    'Dates on which accounts left (gone_until is gone_from), or by inactivity their silences.';

CREATE TABLE tens_insight.missing_accounts (
    account_id   text        PRIMARY KEY,
    missing_from timestamptz NOT NULL
);
COMMENT ON TABLE tens_insight.missing_accounts IS
    'Accounts that were scored and of which no feedback is left: merged, renamed or deleted. '
    'missing_from: as_of of the run that noticed it.';

-- The outcome of every score whose window is closed, as long as its history is kept. An account
-- left with a date of churn in [as_of, closed_at), or, by inactivity, with a silence of
-- horizon_days of the publication that begins and ends there.
CREATE VIEW tens_insight.score_outcomes AS
SELECT score.publication_id, score.account_id, closed.horizon_days,
       CASE WHEN departed.left_at IS NOT NULL THEN 'left'
            WHEN closed.not_known IS NOT NULL OR missing.account_id IS NOT NULL THEN 'unknown'
            ELSE 'stayed' END AS outcome,
       CASE WHEN departed.left_at IS NULL
            THEN coalesce(closed.not_known,
                          CASE WHEN missing.account_id IS NOT NULL THEN 'account gone' END)
       END AS reason,
       departed.left_at, closed.closed_at, closed.measured_at, closed.corrected_at
FROM tens_insight.outcome_windows AS closed
JOIN tens_insight.publications AS run USING (publication_id)
JOIN tens_insight.account_risk_score_history AS score USING (publication_id)
LEFT JOIN LATERAL (
    SELECT min(CASE closed.label_source
               WHEN 'inactivity'
               THEN greatest(gone.gone_from, run.as_of) + make_interval(hours => 24 * run.horizon_days)
               ELSE gone.gone_from END) AS left_at
    FROM tens_insight.account_departures AS gone
    WHERE gone.account_id = score.account_id
      AND gone.label_source = closed.label_source
      AND CASE closed.label_source
          WHEN 'inactivity'
          THEN greatest(gone.gone_from, run.as_of) + make_interval(hours => 24 * run.horizon_days)
               <= least(gone.gone_until, closed.closed_at)
          ELSE gone.gone_from >= run.as_of AND gone.gone_from < closed.closed_at END
) AS departed ON true
LEFT JOIN tens_insight.missing_accounts AS missing
       ON missing.account_id = score.account_id
      AND missing.missing_from <= closed.measured_as_of
WHERE run.undone_at IS NULL;

COMMENT ON VIEW tens_insight.score_outcomes IS
    'What became of each published score: left, stayed, or unknown and why.';
COMMENT ON COLUMN tens_insight.score_outcomes.left_at IS
    'When it left within the window; by inactivity the moment at which it was silent long enough.';
COMMENT ON COLUMN tens_insight.score_outcomes.reason IS
    'Why it is unknown: account gone, history lost, churn dates missing, label source changed.';

-- How good the probabilities of a publication were: a row for each metric, so that one more is no
-- migration.
CREATE TABLE tens_insight.model_performance (
    publication_id bigint           NOT NULL,
    horizon_days   integer          NOT NULL CHECK (horizon_days > 0),
    kind           text             NOT NULL CHECK (kind IN ('realised', 'partial', 'estimated')),
    slice          text             NOT NULL,
    slice_value    text             NOT NULL,
    band           text             NOT NULL,
    metric         text             NOT NULL,
    value          double precision NOT NULL,
    low            double precision,
    high           double precision,
    model_version  text             NOT NULL,
    as_of          timestamptz      NOT NULL,
    computed_at    timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (publication_id, horizon_days, kind, slice, slice_value, band, metric)
);
COMMENT ON TABLE tens_insight.model_performance IS
    'Performance of one publication a week: realised, partial (windows still open) or estimated.';
COMMENT ON COLUMN tens_insight.model_performance.slice IS
    'overall, customer_tier, region or silence_state; slice_value is empty for overall.';
COMMENT ON COLUMN tens_insight.model_performance.band IS
    'Empty: of all accounts. Else: as if who is in this risk band were flagged.';
COMMENT ON COLUMN tens_insight.model_performance.low IS
    'With high the 95 % interval. NULL: a count, or a metric that has none.';

-- Accounts that left with a low score, once each: what a next model should learn from.
CREATE TABLE tens_insight.missed_churn (
    account_id        text             NOT NULL,
    left_at           timestamptz      NOT NULL,
    publication_id    bigint           NOT NULL,
    horizon_days      integer          NOT NULL,
    as_of             timestamptz      NOT NULL,
    model_version     text             NOT NULL,
    churn_probability double precision NOT NULL,
    customer_tier     text,
    region            text,
    silence_state     text,
    reasons           jsonb            CHECK (jsonb_typeof(reasons) = 'object'),
    events_after      integer          NOT NULL,
    negative_after    integer          NOT NULL,
    neutral_after     integer          NOT NULL,
    positive_after    integer          NOT NULL,
    critical_after    integer          NOT NULL,
    recorded_at       timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, left_at)
);
COMMENT ON TABLE tens_insight.missed_churn IS
    'Accounts that left within the window of a publication that put them into the band low.';
COMMENT ON COLUMN tens_insight.missed_churn.reasons IS
    'Log-odds by reason group as they were then. NULL: they were not kept.';
COMMENT ON COLUMN tens_insight.missed_churn.events_after IS
    'Feedback of the account from as_of until it left, as counts by kind; never its text.';

-- Which accounts a team leaves alone, so that what it does for the others can be measured.
ALTER TABLE tens_insight.account_risk_detail_history
    ADD COLUMN holdout boolean NOT NULL DEFAULT false;
CREATE OR REPLACE VIEW tens_insight.account_risk_details AS
SELECT detail.account_id, detail.publication_id, shown.predicted_at, shown.model_version,
       shown.churn_probability, shown.risk_category,
       run.risk_bands ->> 'mode' AS risk_bands,
       detail.percentile, detail.lift, detail.base_rate, detail.churn_by_horizon,
       detail.tenure_days, detail.days_since_last_event, detail.silence_state,
       detail.base_log_odds, detail.other_log_odds, detail.reasons,
       detail.other_reasons, detail.customer_tier, detail.region, detail.holdout
FROM (SELECT DISTINCT ON (account_id)
             account_id, publication_id, predicted_at, model_version, churn_probability,
             risk_category
      FROM tens_insight.account_risk_score_history
      WHERE publication_id IN (
          SELECT publication_id
          FROM tens_insight.publications
          WHERE target_table = 'account_risk_scores'
            AND undone_at IS NULL
            AND publication_id >= (SELECT coalesce(max(publication_id), 0)
                                   FROM tens_insight.publications
                                   WHERE target_table = 'account_risk_scores'
                                     AND undone_at IS NULL
                                     AND removes_others))
      ORDER BY account_id, publication_id DESC) AS shown
JOIN tens_insight.account_risk_detail_history AS detail USING (publication_id, account_id)
JOIN tens_insight.publications AS run USING (publication_id);
COMMENT ON COLUMN tens_insight.account_risk_details.holdout IS
    'Whether the account is to be left alone, as one of the share HOLDOUT_SHARE.';

-- Whoever may read the scores may read what became of them.
DO $$
DECLARE
    reader name;
BEGIN
    FOR reader IN
        SELECT DISTINCT role.rolname
        FROM pg_class AS scores
        CROSS JOIN LATERAL aclexplode(scores.relacl) AS acl
        JOIN pg_roles AS role ON role.oid = acl.grantee
        WHERE scores.oid = 'public.account_risk_scores'::regclass
          AND acl.privilege_type = 'SELECT'
          AND acl.grantee <> scores.relowner
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA tens_insight TO %I', reader);
        EXECUTE format('GRANT SELECT ON tens_insight.score_outcomes, tens_insight.outcome_windows, '
                       'tens_insight.model_performance, tens_insight.missed_churn TO %I', reader);
    END LOOP;
END
$$;
