-- The feedback of one bucket of accounts before as_of, without its text.
-- The session's time zone is UTC, so the cast to timestamp keeps UTC's clock.
SELECT account_id,
       created_at::timestamp,
       hashtext(id),
       priority,
       sentiment,
       product_area,
       source,
       topic,
       customer_tier,
       region
FROM feedback_enriched
WHERE account_id <> ''
  AND created_at < %(as_of)s
  AND isfinite(created_at)
  AND (hashtext(account_id) & 2147483647) %% %(buckets)s = %(bucket)s
