-- The first rule that each staged row breaks, counted; no rows if all is well.
SELECT problem, count(*), min(account_id COLLATE "C")
FROM (SELECT account_id,
             CASE
                 WHEN (churn_probability BETWEEN 0 AND 1) IS NOT TRUE
                     THEN 'churn_probability is not a number from 0 to 1'
                 WHEN (abs(health_score - 100 * (1 - churn_probability)) <= 1e-9) IS NOT TRUE
                     THEN 'health_score is not 100 x (1 - churn_probability)'
                 WHEN risk_category IS DISTINCT FROM CASE
                          WHEN churn_probability < 0.25 THEN 'low'
                          WHEN churn_probability < 0.50 THEN 'medium'
                          WHEN churn_probability < 0.75 THEN 'high'
                          ELSE 'critical' END
                     THEN 'risk_category does not follow from churn_probability'
                 WHEN account_id = ''
                     THEN 'account_id is empty'
             END AS problem
      FROM {staging}) AS checked
WHERE problem IS NOT NULL
GROUP BY problem
ORDER BY problem
