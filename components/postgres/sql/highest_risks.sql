SELECT account_id, churn_probability, risk_category
FROM public.account_risk_scores
ORDER BY churn_probability DESC, account_id
LIMIT %(limit)s
