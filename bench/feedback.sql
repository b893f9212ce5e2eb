-- Feedback of the past 540 days: 8 per cent without account_id, 1 per cent from the busiest account.
CREATE TABLE feedback_enriched AS
SELECT 'FB-' || number AS id,
       now() - random() * interval '540 days' AS created_at,
       (array['zendesk', 'nps_survey', 'google_play', 'app_store', 'email', 'chat'])
           [1 + floor(random() * 6)] AS source,
       (array['billing', 'onboarding', 'performance', 'features', 'security', 'ui_ux'])
           [1 + floor(random() * 6)] AS product_area,
       (array['positive', 'neutral', 'negative'])[1 + floor(random() * 3)] AS sentiment,
       1 + floor(random() * 5)::int AS priority,
       'topic-' || floor(random() * 40) AS topic,
       (array['NA', 'EU', 'APAC', 'LATAM', 'MEA'])[1 + floor(random() * 5)] AS region,
       (array['free', 'pro', 'enterprise'])[1 + floor(random() * 3)] AS customer_tier,
       CASE
           WHEN draw < 0.08 THEN NULL
           WHEN draw < 0.09 THEN 'ACC-000000'
           ELSE 'ACC-' || lpad(floor(power(random(), 1.5) * %(accounts)s)::int::text, 6, '0')
       END::varchar AS account_id,
       'The export of invoices was slow again today, please look at it.' AS summary
FROM (SELECT number, random() AS draw FROM generate_series(1, %(rows)s) AS number) AS drawn;

ALTER TABLE feedback_enriched ADD PRIMARY KEY (id), ALTER created_at SET NOT NULL;
CREATE INDEX ON feedback_enriched (account_id);
CREATE INDEX ON feedback_enriched (created_at DESC);

CREATE TABLE account_churn AS
SELECT DISTINCT account_id, now() - random() * interval '400 days' AS churned_at
FROM feedback_enriched
WHERE account_id IS NOT NULL
  AND random() < 0.01;
