-- Feedback of the past 540 days, 20 rows of each account in the words of the simulated worlds. A
-- quarter of the accounts churned at some moment; they complain more in the 90 days before it, and
-- write nothing after it.
CREATE TABLE feedback_enriched AS
SELECT 'FB-' || lpad(number::text, 9, '0') AS id,
       created_at,
       (%(sources)s::text[])[1 + floor(random() * cardinality(%(sources)s::text[]))::int] AS source,
       (%(areas)s::text[])[subject] AS product_area,
       CASE WHEN random() < CASE WHEN created_at > churned_at - interval '90 days'
                                 THEN 0.6 ELSE 0.3 END
            THEN 'negative'
            ELSE (ARRAY['neutral', 'positive'])[1 + floor(random() * 2)::int]
       END AS sentiment,
       1 + floor(random() * 5)::int AS priority,
       (%(topics)s::text[])[subject] AS topic,
       (%(regions)s::text[])[1 + account / 7 %% cardinality(%(regions)s::text[])] AS region,
       (%(tiers)s::text[])[1 + account %% cardinality(%(tiers)s::text[])] AS customer_tier,
       'ACC-' || lpad(account::text, 7, '0') AS account_id,
       'Feedback on something, concerning something else.' AS summary
FROM (SELECT number,
             account,
             subject,
             churned_at,
             date_trunc('second', least(now() - interval '1 day', churned_at)
                        - random() * (least(now() - interval '1 day', churned_at)
                                      - now() + interval '540 days')) AS created_at
      FROM (SELECT number,
                   (number %% %(accounts)s)::int AS account,
                   1 + floor(random() * cardinality(%(areas)s::text[]))::int AS subject,
                   CASE WHEN number %% %(accounts)s %% 4 = 0
                        THEN now() - interval '1 day' * (2 + abs(
                             hashint8(number %% %(accounts)s)::bigint) %% 500)
                   END AS churned_at
            FROM generate_series(1, %(accounts)s::bigint * 20) AS number) AS drawn) AS dated;

ALTER TABLE feedback_enriched ADD PRIMARY KEY (id), ALTER created_at SET NOT NULL;
CREATE INDEX ON feedback_enriched (account_id);
CREATE INDEX ON feedback_enriched (created_at DESC);

CREATE TABLE account_churn AS
SELECT 'ACC-' || lpad(number::text, 7, '0') AS account_id,
       date_trunc('second', now() - interval '1 day' * (2 + abs(hashint8(number)::bigint) %% 500))
       + interval '1 second' AS churned_at
FROM generate_series(0, %(accounts)s::bigint - 1, 4) AS number;
