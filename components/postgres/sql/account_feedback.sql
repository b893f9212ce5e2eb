-- Whether one account gave feedback, and when.
SELECT count(*), min(created_at), max(created_at)
FROM feedback_enriched
WHERE account_id = %(account_id)s
