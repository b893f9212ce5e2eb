-- The published score of one account.
SELECT churn_probability, health_score, risk_category::text, predicted_at, model_version::text
FROM public.account_risk_scores
WHERE account_id = %(account_id)s
