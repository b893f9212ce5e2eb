-- The first rule that each staged row of details breaks, counted; no rows if all is well.
SELECT problem, count(*), min(account_id COLLATE "C")
FROM (SELECT account_id,
             CASE
                 WHEN score.churn_probability IS NULL
                     THEN 'details without a score'
                 WHEN detail.silence_state IS NULL
                     THEN 'a score without details'
                 WHEN (detail.days_since_last_event >= 0
                       AND detail.days_since_last_event <= detail.tenure_days
                       AND detail.tenure_days < 'infinity') IS NOT TRUE
                     THEN 'tenure_days and days_since_last_event are not days'
                 WHEN detail.silence_state NOT IN ('new', 'active', 'quiet', 'silent')
                     THEN 'silence_state is not new, active, quiet or silent'
                 WHEN (detail.at_horizon = score.churn_probability) IS NOT TRUE
                     THEN 'churn_by_horizon does not hold churn_probability'
                 WHEN (detail.base_log_odds < 'infinity' AND detail.other_log_odds < 'infinity')
                          IS NOT TRUE <> (detail.reasons_type IS NULL)
                     THEN 'reasons without log-odds, or log-odds without reasons'
                 WHEN detail.reasons_type <> 'array'
                     THEN 'reasons is not a list'
             END AS problem
      FROM (SELECT account_id, tenure_days, days_since_last_event, silence_state, base_log_odds,
                   other_log_odds, (churn_by_horizon ->> %(horizon)s)::float8 AS at_horizon,
                   jsonb_typeof(reasons) AS reasons_type
            FROM {details}) AS detail
      FULL JOIN {scores} AS score USING (account_id)
      UNION ALL
      SELECT account_id, 'details come twice' FROM {details} GROUP BY 1 HAVING count(*) > 1) AS checked
WHERE problem IS NOT NULL
GROUP BY problem
ORDER BY problem
