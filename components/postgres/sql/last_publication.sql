-- What was published last, by the time it speaks of.
SELECT as_of, rows_written, mean_probability, run_id, model_version
FROM tens_insight.publications
WHERE target_table = %(table)s
ORDER BY as_of DESC, publication_id DESC
LIMIT 1
