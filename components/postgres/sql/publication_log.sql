-- All publications to a table, oldest first.
SELECT publication_id, target_table, kind, as_of, published_at, rows_written, rows_removed,
       mean_probability, category_shares, model_version, label_source, run_id, has_history,
       removes_others, published_by, accepted_shift, broken_limits, undone_at, undone_by,
       undo_reason, dropped_up_to, risk_bands
FROM tens_insight.publications
WHERE target_table = %(table)s
ORDER BY publication_id
