-- What was published with each model, and not undone.
SELECT model_version, sum(rows_written)::bigint, max(as_of)
FROM tens_insight.publications
WHERE target_table = 'account_risk_scores'
  AND kind = 'published'
  AND undone_at IS NULL
GROUP BY model_version
