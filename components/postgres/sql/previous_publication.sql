SELECT as_of, feedback_rows, rows_written
FROM tens_insight.publications
WHERE target_table = 'account_risk_scores'
  AND as_of < %(as_of)s
  AND feedback_rows IS NOT NULL
ORDER BY as_of DESC, published_at DESC
LIMIT 1
