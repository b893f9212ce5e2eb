-- What a list of accounts is filtered by, and what the reasons that are not told add up from.
ALTER TABLE tens_insight.account_risk_detail_history
    ADD COLUMN other_reasons jsonb CHECK (jsonb_typeof(other_reasons) = 'array'),
    ADD COLUMN customer_tier text,
    ADD COLUMN region        text;
ALTER TABLE tens_insight.account_risk_detail_history
    ALTER other_reasons SET STATISTICS 0;

CREATE OR REPLACE VIEW tens_insight.account_risk_details AS
SELECT detail.account_id, detail.publication_id, shown.predicted_at, shown.model_version,
       shown.churn_probability, shown.risk_category,
       run.risk_bands ->> 'mode' AS risk_bands,
       detail.percentile, detail.lift, detail.base_rate, detail.churn_by_horizon,
       detail.tenure_days, detail.days_since_last_event, detail.silence_state,
       detail.base_log_odds, detail.other_log_odds, detail.reasons,
       detail.other_reasons, detail.customer_tier, detail.region
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

COMMENT ON COLUMN tens_insight.account_risk_details.other_reasons IS
    'The reasons that are not listed, largest first: [{"group", "log_odds"}]; their sum is '
    'other_log_odds. NULL: the model cannot give any.';
COMMENT ON COLUMN tens_insight.account_risk_details.customer_tier IS
    'Of the newest feedback before predicted_at, as the model saw it.';
COMMENT ON COLUMN tens_insight.account_risk_details.region IS
    'Of the newest feedback before predicted_at, as the model saw it.';

CREATE OR REPLACE VIEW tens_insight.account_risk_reasons AS
SELECT detail.account_id, detail.churn_probability, detail.risk_category, reason.direction,
       reason."group", reason.log_odds, reason.text,
       exp(least(greatest(reason.log_odds, -700), 700)) AS factor
FROM tens_insight.account_risk_details AS detail
CROSS JOIN LATERAL jsonb_to_recordset(detail.reasons)
    AS reason ("group" text, direction text, log_odds double precision, text text);
COMMENT ON COLUMN tens_insight.account_risk_reasons.factor IS
    'What the reason multiplies the odds of churn by: above 1 it raises the risk.';

-- By which rule refused rows have their categories: compared with rows of another rule, these
-- say nothing about the accounts.
ALTER TABLE tens_insight.refusals ADD COLUMN risk_bands jsonb;
COMMENT ON COLUMN tens_insight.refusals.risk_bands IS
    'Rule of the categories, as in publications. NULL: no categories.';
