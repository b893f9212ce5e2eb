SELECT count(*),
       count(*) FILTER (WHERE risk_category = 'low'),
       count(*) FILTER (WHERE risk_category = 'medium'),
       count(*) FILTER (WHERE risk_category = 'high'),
       count(*) FILTER (WHERE risk_category = 'critical'),
       max(predicted_at),
       (array_agg(model_version ORDER BY predicted_at DESC))[1]
FROM public.account_risk_scores
