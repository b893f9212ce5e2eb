-- name: now
-- The server's clock, in whole seconds as a run's as_of.
SELECT date_trunc('second', now()) AS now

-- name: looked_up
-- What is known of some accounts, and the same clock.
SELECT account_id,
       date_trunc('second', now()) AS now,
       churn_probability,
       health_score,
       risk_category,
       predicted_at,
       model_version,
       {stamps}
FROM unnest(%(accounts)s::text[]) AS asked (account_id)
LEFT JOIN (SELECT account_id::text AS account_id,
                  churn_probability,
                  health_score,
                  risk_category,
                  predicted_at,
                  model_version
           FROM account_risk_scores
           WHERE account_id::text = ANY(%(accounts)s)) AS published USING (account_id)
{joins}

-- name: wrote
-- How much they wrote before now, and when last.
LEFT JOIN (SELECT account_id::text AS account_id, count(*) AS rows, max(created_at) AS newest
           FROM feedback_enriched
           WHERE account_id::text = ANY(%(accounts)s) AND created_at < date_trunc('second', now())
           GROUP BY 1) AS wrote USING (account_id)

-- name: churned
-- Their newest churn date before now.
LEFT JOIN (SELECT {account_column}::text AS account_id, max({date_column}) AS churned
           FROM {table}
           WHERE {account_column}::text = ANY(%(accounts)s)
             AND {date_column} < date_trunc('second', now())
           GROUP BY 1) AS churned USING (account_id)
