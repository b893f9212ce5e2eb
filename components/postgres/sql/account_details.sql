-- What stands behind the published score of one account.
SELECT detail.publication_id, detail.percentile, detail.lift, detail.base_rate,
       detail.churn_by_horizon, detail.tenure_days, detail.days_since_last_event,
       detail.silence_state, detail.base_log_odds, detail.other_log_odds, detail.reasons,
       run.risk_bands
FROM tens_insight.account_risk_details AS detail
JOIN tens_insight.publications AS run USING (publication_id)
WHERE detail.account_id = %(account_id)s
