-- The first rule that each staged row breaks, counted; no rows if all is well. Categories follow
-- from %(cuts)s, where medium, high and critical begin, or, where that is NULL, from the place
-- by probability: %(places)s holds the last place of critical, high and medium.
SELECT problem, count(*), min(account_id COLLATE "C")
FROM (SELECT account_id,
             CASE
                 WHEN (churn_probability BETWEEN 0 AND 1) IS NOT TRUE
                     THEN 'churn_probability is not a number from 0 to 1'
                 WHEN (abs(health_score - 100 * (1 - churn_probability)) <= 1e-9) IS NOT TRUE
                     THEN 'health_score is not 100 x (1 - churn_probability)'
                 WHEN risk_category IS DISTINCT FROM CASE
                          WHEN place <= (%(places)s::bigint[])[1] THEN 'critical'
                          WHEN place <= (%(places)s::bigint[])[2] THEN 'high'
                          WHEN place <= (%(places)s::bigint[])[3] THEN 'medium'
                          WHEN place IS NOT NULL THEN 'low'
                          WHEN churn_probability < (%(cuts)s::float8[])[1] THEN 'low'
                          WHEN churn_probability < (%(cuts)s::float8[])[2] THEN 'medium'
                          WHEN churn_probability < (%(cuts)s::float8[])[3] THEN 'high'
                          ELSE 'critical' END
                     THEN 'risk_category does not follow from churn_probability'
                 WHEN account_id = ''
                     THEN 'account_id is empty'
             END AS problem
      FROM (SELECT account_id, churn_probability, health_score, risk_category,
                   CASE WHEN %(places)s::bigint[] IS NOT NULL THEN
                       row_number() OVER (ORDER BY churn_probability DESC, account_id COLLATE "C")
                   END AS place
            FROM {staging}) AS placed) AS checked
WHERE problem IS NOT NULL
GROUP BY problem
ORDER BY problem
