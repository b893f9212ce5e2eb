-- Whether a simulated world was written, and whether there are rows that it cannot explain.
SELECT world.seed IS NOT NULL,
       EXISTS (SELECT FROM feedback_enriched
               WHERE world.seed IS NULL OR id NOT LIKE %(feedback_pattern)s),
       EXISTS (SELECT FROM account_churn
               WHERE world.seed IS NULL
                  -- The goinsight shape writes some ids in lower case or behind a blank.
                  OR btrim(account_id) NOT ILIKE %(account_pattern)s
                  OR churned_at < world.started_at
                  OR churned_at >= world.ended_at)
FROM (VALUES (true)) AS always (row_exists)
LEFT JOIN (SELECT seed, started_at, ended_at
           FROM tens_insight.simulated_worlds
           ORDER BY world_id DESC
           LIMIT 1) AS world ON true
