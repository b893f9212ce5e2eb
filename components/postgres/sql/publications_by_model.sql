-- What was published with each model.
SELECT model_version, sum(rows_written)::bigint, max(as_of)
FROM tens_insight.publications
WHERE target_table = 'account_risk_scores'
GROUP BY model_version
