-- Feedback of the past 540 days, 20 rows of each account on average in the words of the simulated
-- worlds. Nothing changes with time: as many accounts leave as join, each stays for 1,500 days on
-- average whatever its age, so that a quarter of all churned, and all write at the same rate until
-- they leave. Those who leave complain more in the 90 days before.
CREATE TEMPORARY TABLE lives AS
SELECT account,
       joined_at,
       least(left_at, now()) AS ended_at,
       CASE WHEN left_at < now() THEN left_at END AS churned_at
FROM (SELECT account,
             joined_at,
             date_trunc('second', joined_at - ln(1 - random()) * interval '1500 days') AS left_at
      FROM (SELECT account,
                   -- 540 / (1500 + 540) of them join within the 540 days; the others were there.
                   now() - interval '540 days' * least(1, random() * (1 + 1500 / 540.0)) AS joined_at
            FROM generate_series(0, %(accounts)s::bigint - 1) AS account) AS arrivals) AS stays;

CREATE TEMPORARY TABLE counts AS
SELECT account, joined_at, ended_at, churned_at,
       greatest(1, floor(20 * extract(epoch FROM ended_at - joined_at) / mean + random()))::int
           AS messages
FROM lives,
     (SELECT avg(extract(epoch FROM ended_at - joined_at)) AS mean FROM lives) AS of_all;

CREATE TABLE feedback_enriched AS
SELECT 'FB-' || lpad(row_number() OVER ()::text, 9, '0') AS id,
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
FROM (SELECT account::int AS account,
             churned_at,
             1 + floor(random() * cardinality(%(areas)s::text[]))::int AS subject,
             date_trunc('second', ended_at - random() * (ended_at - joined_at)) AS created_at
      -- Round after round, so that an account's rows do not lie side by side.
      FROM generate_series(1, (SELECT max(messages) FROM counts)) AS round
      JOIN counts ON messages >= round) AS dated;

ALTER TABLE feedback_enriched ADD PRIMARY KEY (id), ALTER created_at SET NOT NULL;
CREATE INDEX ON feedback_enriched (account_id);
CREATE INDEX ON feedback_enriched (created_at DESC);

CREATE TABLE account_churn AS
SELECT 'ACC-' || lpad(account::text, 7, '0') AS account_id,
       churned_at + interval '1 second' AS churned_at
FROM counts
WHERE churned_at IS NOT NULL;
