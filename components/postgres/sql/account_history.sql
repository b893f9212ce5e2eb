-- What was published of one account before, newest first; what was undone does not count.
SELECT as_of, churn_probability, risk_category, model_version, publication_id
FROM tens_insight.account_risk_score_runs
WHERE account_id = %(account_id)s
  AND undone_at IS NULL
  AND as_of < %(as_of)s
ORDER BY publication_id DESC
LIMIT %(limit)s
