-- name: newest_feedback
-- What the newest feedback of one account was about, before a moment. The text is never read.
SELECT product_area::text, source::text, topic::text, customer_tier::text, region::text
FROM feedback_enriched
WHERE account_id = %(account_id)s AND created_at < %(now)s
ORDER BY created_at DESC
LIMIT %(limit)s
