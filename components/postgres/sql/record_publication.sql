-- One line of the publication log.
INSERT INTO tens_insight.publications
    (attempt, target_table, kind, as_of, model_version, label_source, rows_written, rows_removed,
     mean_probability, category_shares, feedback_rows, run_id, has_history, removes_others,
     published_by, accepted_shift, broken_limits, risk_bands)
VALUES (%(attempt)s, %(table)s, %(kind)s, %(as_of)s, %(model_version)s, %(label_source)s,
        %(written)s, %(removed)s, %(mean_probability)s, %(shares)s, %(feedback_rows)s, %(run_id)s,
        true, %(removes_others)s, %(published_by)s, %(accepted_shift)s, %(broken_limits)s,
        %(risk_bands)s)
RETURNING publication_id, published_at
