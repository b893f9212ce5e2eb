-- By which rule the categories of a publication were given.
ALTER TABLE tens_insight.publications ADD risk_bands jsonb;
COMMENT ON COLUMN tens_insight.publications.risk_bands IS
    'Rule of the categories: mode, its numbers, base rate, cuts where it has some; changed_from: '
    'the rule of the publication before, where that was another. NULL: the fixed cuts.';

-- What stands behind each score, by publication; written in the transaction of its scores.
-- publication_id has no foreign key for the reason given in 0004.
CREATE TABLE tens_insight.account_risk_detail_history (
    publication_id        bigint           NOT NULL,
    account_id            text             NOT NULL,
    percentile            double precision NOT NULL CHECK (percentile >= 0 AND percentile <= 100),
    lift                  double precision CHECK (lift >= 0),
    base_rate             double precision CHECK (base_rate > 0 AND base_rate < 1),
    churn_by_horizon      jsonb            NOT NULL CHECK (jsonb_typeof(churn_by_horizon) = 'object'),
    tenure_days           double precision NOT NULL CHECK (tenure_days >= 0),
    days_since_last_event double precision NOT NULL CHECK (days_since_last_event >= 0),
    silence_state         text             NOT NULL
        CHECK (silence_state IN ('new', 'active', 'quiet', 'silent')),
    base_log_odds         double precision,
    other_log_odds        double precision,
    reasons               jsonb            CHECK (jsonb_typeof(reasons) = 'array'),
    PRIMARY KEY (publication_id, account_id)
);
-- ANALYZE runs with each publication, and has nothing to learn from JSON.
ALTER TABLE tens_insight.account_risk_detail_history
    ALTER churn_by_horizon SET STATISTICS 0,
    ALTER reasons SET STATISTICS 0;

-- Of each account the publication that account_risk_scores shows: its newest among those that
-- stand, back to the last one that removed all other rows. An undo needs no more than its mark.
CREATE VIEW tens_insight.account_risk_details AS
SELECT detail.account_id, detail.publication_id, shown.predicted_at, shown.model_version,
       shown.churn_probability, shown.risk_category,
       coalesce(run.risk_bands ->> 'mode', 'probability') AS risk_bands,
       detail.percentile, detail.lift, detail.base_rate, detail.churn_by_horizon,
       detail.tenure_days, detail.days_since_last_event, detail.silence_state,
       detail.base_log_odds, detail.other_log_odds, detail.reasons
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

COMMENT ON TABLE tens_insight.account_risk_detail_history IS
    'What stands behind each score, by publication. The two newest states alone are kept.';
COMMENT ON VIEW tens_insight.account_risk_details IS
    'What stands behind each row of account_risk_scores. No row: published without details.';
COMMENT ON COLUMN tens_insight.account_risk_details.predicted_at IS
    'The moment that the score speaks of (as_of).';
COMMENT ON COLUMN tens_insight.account_risk_details.risk_bands IS
    'Rule of risk_category: probability (fixed cuts), lift or capacity.';
COMMENT ON COLUMN tens_insight.account_risk_details.percentile IS
    'Percent of the other accounts of the publication with a lower probability, 0..100.';
COMMENT ON COLUMN tens_insight.account_risk_details.lift IS
    'churn_probability / base_rate.';
COMMENT ON COLUMN tens_insight.account_risk_details.base_rate IS
    'Share of accounts that churn within the horizon, as the model recorded it.';
COMMENT ON COLUMN tens_insight.account_risk_details.churn_by_horizon IS
    'Probability of churn within so many days: {"30": 0.02, "60": 0.04}.';
COMMENT ON COLUMN tens_insight.account_risk_details.tenure_days IS
    'Days from the first feedback of the account to predicted_at.';
COMMENT ON COLUMN tens_insight.account_risk_details.days_since_last_event IS
    'Days from its newest feedback to predicted_at.';
COMMENT ON COLUMN tens_insight.account_risk_details.silence_state IS
    'silent: no feedback within the lookback; new: the first one less than 30 days ago; quiet: none '
    'for more than three usual gaps and 14 days, or a single one ever; else active.';
COMMENT ON COLUMN tens_insight.account_risk_details.base_log_odds IS
    'Log-odds before any reason. With all log_odds of reasons and other_log_odds it makes the '
    'log-odds of churn_probability.';
COMMENT ON COLUMN tens_insight.account_risk_details.other_log_odds IS
    'Sum of the reasons that are not listed.';
COMMENT ON COLUMN tens_insight.account_risk_details.reasons IS
    'Strongest reasons: [{"group", "direction": "raises" or "lowers", "log_odds", "text"}]. NULL: '
    'the model cannot give any.';

-- For people: a row for each reason, strongest first.
CREATE VIEW tens_insight.account_risk_reasons AS
SELECT detail.account_id, detail.churn_probability, detail.risk_category, reason.direction,
       reason."group", reason.log_odds, reason.text
FROM tens_insight.account_risk_details AS detail
CROSS JOIN LATERAL jsonb_to_recordset(detail.reasons)
    AS reason ("group" text, direction text, log_odds double precision, text text);
COMMENT ON VIEW tens_insight.account_risk_reasons IS
    'The reasons of account_risk_details, a row each.';

-- Whoever may read the scores may read what stands behind them, and nothing else of ours.
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
        EXECUTE format('GRANT SELECT ON tens_insight.account_risk_details, '
                       'tens_insight.account_risk_reasons TO %I', reader);
    END LOOP;
END
$$;
