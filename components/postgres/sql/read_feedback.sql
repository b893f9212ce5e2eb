-- The feedback of one bucket of accounts before as_of, without its text.
-- The session's time zone is UTC, so the cast to timestamp keeps UTC's clock. The casts to
-- text take the padding off char(n). No calendar of ours goes back before the year 1.
SELECT account_id::text,
       created_at::timestamp,
       hashtextextended(id::text, 0),
       priority,
       sentiment::text,
       product_area::text,
       source::text,
       topic::text,
       customer_tier::text,
       region::text
FROM feedback_enriched
WHERE account_id::text <> ''
  AND created_at >= '0001-01-01 00:00+00'
  AND created_at < %(as_of)s
  AND (hashtext(account_id::text) & 2147483647) %% %(buckets)s = %(bucket)s
