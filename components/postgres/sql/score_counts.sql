SELECT count(*),
       count(*) FILTER (WHERE risk_category = 'low'),
       count(*) FILTER (WHERE risk_category = 'medium'),
       count(*) FILTER (WHERE risk_category = 'high'),
       count(*) FILTER (WHERE risk_category = 'critical'),
       max(predicted_at),
       max(model_version)
FROM public.account_risk_scores
