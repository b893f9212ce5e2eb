-- What was published last, by the time it speaks of; what was undone does not count.
SELECT as_of, rows_written, mean_probability, category_shares, run_id, model_version,
       risk_bands
FROM tens_insight.publications
WHERE target_table = %(table)s AND kind = 'published' AND undone_at IS NULL
ORDER BY as_of DESC, publication_id DESC
LIMIT 1
