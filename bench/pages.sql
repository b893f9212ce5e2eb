-- name: feedback
-- Three rows of each account.
INSERT INTO feedback_enriched
    (id, created_at, source, product_area, sentiment, priority, topic, region, customer_tier,
     account_id, summary)
SELECT 'FB-' || n || '-' || k, now() - (n %% 400 + k) * interval '1 day',
       (ARRAY['email', 'chat', 'nps_survey'])[k], (ARRAY['billing', 'performance', 'security'])[k],
       (ARRAY['negative', 'neutral', 'positive'])[1 + (n + k) %% 3], 1 + n %% 5, 'invoice', 'EU',
       'pro', 'ACC-' || lpad(n::text, 7, '0'), 'x'
FROM generate_series(1, %(accounts)s) AS n, generate_series(1, 3) AS k

-- name: publication
-- One publication of all accounts; scores move a little from one to the next.
WITH made AS (
    INSERT INTO tens_insight.publications
        (attempt, target_table, as_of, model_version, label_source, rows_written, rows_removed,
         removes_others, category_shares, risk_bands, run_id, published_by, horizon_days, horizons)
    VALUES (gen_random_uuid(), 'account_risk_scores',
            date_trunc('day', now()) - (%(days)s - %(day)s) * interval '1 day', '20261101-00000001',
            'account_churn', %(accounts)s, 0, true,
            '{"low": 0.9, "medium": 0.06, "high": 0.03, "critical": 0.01}', NULL, 'run', 'bench',
            60, '{30,60,90}')
    RETURNING publication_id, as_of, model_version),
scores AS (
    INSERT INTO tens_insight.account_risk_score_history
    SELECT publication_id, 'ACC-' || lpad(n::text, 7, '0'), risk, 100 * (1 - risk),
           CASE WHEN risk < .25 THEN 'low' WHEN risk < .5 THEN 'medium' WHEN risk < .75 THEN 'high'
                ELSE 'critical' END,
           as_of, model_version
    FROM made, generate_series(1, %(accounts)s) AS n
    CROSS JOIN LATERAL (
        SELECT least(.99, (.9 * (n::bigint * 48271 %% 65537) / 65537) ^ 3
                          + .002 * ((n + %(day)s * 7919::bigint) %% 10)
                          + CASE WHEN (n + %(day)s * 104729::bigint) %% 2000 = 0 THEN .4 ELSE 0 END)
                   AS risk) AS score)
INSERT INTO tens_insight.account_risk_detail_history
    (publication_id, account_id, percentile, lift, base_rate, churn_by_horizon, tenure_days,
     days_since_last_event, silence_state, base_log_odds, other_log_odds, reasons, customer_tier,
     region)
SELECT publication_id, 'ACC-' || lpad(n::text, 7, '0'), n %% 100, 1.2, .08,
       '{"30": 0.1, "60": 0.2, "90": 0.3}', 500, (n::bigint * 7919 %% 4000) / 10.0, 'active', -2.4,
       .1, %(reasons)s, (ARRAY['free', 'pro', 'pro', 'enterprise'])[1 + n %% 4],
       (ARRAY['EU', 'NA', 'APAC', 'LATAM', 'MEA'])[1 + n %% 5]
FROM made, generate_series(1, %(accounts)s) AS n

-- name: table
-- The table shows the newest publication.
INSERT INTO account_risk_scores
    (account_id, churn_probability, health_score, risk_category, predicted_at, model_version)
SELECT account_id, churn_probability, health_score, risk_category, predicted_at, model_version
FROM tens_insight.account_risk_score_history
WHERE publication_id = (SELECT max(publication_id) FROM tens_insight.publications)

-- name: increment
-- What a stream published since, of some accounts.
WITH made AS (
    INSERT INTO tens_insight.publications
        (attempt, target_table, kind, as_of, model_version, label_source, rows_written,
         rows_removed, category_shares, run_id, published_by, horizon_days, horizons)
    VALUES (gen_random_uuid(), 'account_risk_scores', 'incremental', now(), '20261101-00000001',
            'account_churn', 0, 0, '{}', 'stream', 'bench', 60, '{30,60,90}')
    RETURNING publication_id),
scores AS (
    INSERT INTO tens_insight.account_risk_score_history
    SELECT made.publication_id, account_id, churn_probability, health_score, risk_category,
           predicted_at, model_version
    FROM made, account_risk_scores
    WHERE hashtext(account_id) %% 50 = 0)
INSERT INTO tens_insight.account_risk_detail_history
SELECT (jsonb_populate_record(detail, jsonb_build_object('publication_id', made.publication_id))).*
FROM made, tens_insight.account_risk_detail_history AS detail
WHERE detail.publication_id = (SELECT max(publication_id) FROM tens_insight.publications)
  AND hashtext(detail.account_id) %% 50 = 0
