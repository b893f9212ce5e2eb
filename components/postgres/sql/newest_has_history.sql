-- Whether the newest publication that stands left its rows in the history; no row without one.
SELECT has_history
FROM tens_insight.publications
WHERE target_table = %(table)s AND undone_at IS NULL
ORDER BY publication_id DESC
LIMIT 1
