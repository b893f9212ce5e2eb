-- The scores of one state of account_risk_scores.
SELECT account_id, churn_probability, risk_category
FROM {rows} AS state
ORDER BY account_id COLLATE "C"
