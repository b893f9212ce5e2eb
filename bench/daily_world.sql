-- Feedback of the past 540 days, 20 rows of each account in the words of the simulated worlds.
CREATE TABLE feedback_enriched AS
SELECT 'FB-' || lpad(number::text, 9, '0') AS id,
       date_trunc('second', now()) - (random() * 539 + 1) * interval '1 day' AS created_at,
       (%(sources)s::text[])[1 + floor(random() * cardinality(%(sources)s::text[]))::int] AS source,
       (%(areas)s::text[])[subject] AS product_area,
       (ARRAY['negative', 'neutral', 'positive'])[1 + floor(random() * 3)::int] AS sentiment,
       1 + floor(random() * 5)::int AS priority,
       (%(topics)s::text[])[subject] AS topic,
       (%(regions)s::text[])[1 + account / 7 %% cardinality(%(regions)s::text[])] AS region,
       (%(tiers)s::text[])[1 + account %% cardinality(%(tiers)s::text[])] AS customer_tier,
       'ACC-' || lpad(account::text, 7, '0') AS account_id,
       'Feedback on something, concerning something else.' AS summary
FROM (SELECT number,
             (number %% %(accounts)s)::int AS account,
             1 + floor(random() * cardinality(%(areas)s::text[]))::int AS subject
      FROM generate_series(1, %(accounts)s::bigint * 20) AS number) AS drawn;

ALTER TABLE feedback_enriched ADD PRIMARY KEY (id), ALTER created_at SET NOT NULL;
CREATE INDEX ON feedback_enriched (account_id);
CREATE INDEX ON feedback_enriched (created_at DESC);

-- One account in 200 left a year ago and wrote again: everybody is there to be scored.
CREATE TABLE account_churn AS
SELECT 'ACC-' || lpad(number::text, 7, '0') AS account_id,
       date_trunc('second', now()) - (random() * 170 + 365) * interval '1 day' AS churned_at
FROM generate_series(0, %(accounts)s - 1, 200) AS number;
