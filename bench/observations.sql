-- The feedback that names its account, up to a cutoff, as codes.
SELECT account_id,
       extract(epoch FROM created_at - %(started_at)s)::bigint,
       array_position(%(areas)s, product_area) - 1,
       array_position(%(sentiments)s, sentiment) - 1,
       priority
FROM feedback_enriched
WHERE created_at < %(cutoff)s
  AND account_id IS NOT NULL
