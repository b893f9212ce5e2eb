-- name: now
-- The server's clock, in whole seconds as a run's as_of.
SELECT date_trunc('second', now()) AS now

-- name: stamps
-- How much some accounts wrote before a moment, and when last.
SELECT account_id::text, count(*) AS rows, max(created_at) AS newest
FROM feedback_enriched
WHERE account_id::text = ANY(%(accounts)s) AND created_at < %(as_of)s
GROUP BY 1

-- name: churn_stamps
-- Their newest churn date before it.
SELECT {account_column}::text AS account_id, max({date_column}) AS churned
FROM {table}
WHERE {account_column}::text = ANY(%(accounts)s) AND {date_column} < %(as_of)s
GROUP BY 1

-- name: published
-- What is published of some accounts.
SELECT account_id::text,
       churn_probability,
       health_score,
       risk_category,
       predicted_at AS as_of,
       model_version
FROM account_risk_scores
WHERE account_id::text = ANY(%(accounts)s)
