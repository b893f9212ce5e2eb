-- One line of the publication log.
INSERT INTO tens_insight.publications
    (attempt, target_table, as_of, model_version, label_source, rows_written, rows_removed,
     mean_probability, category_shares, feedback_rows, run_id)
VALUES (%(attempt)s, %(table)s, %(as_of)s, %(model_version)s, %(label_source)s, %(written)s,
        %(removed)s, %(mean_probability)s, %(shares)s, %(feedback_rows)s, %(run_id)s)
RETURNING published_at
