-- The refusals whose rows are still kept, oldest first.
SELECT refusal_id, target_table, as_of, refused_at, rows_staged, mean_probability,
       category_shares, model_version, run_id, broken_limits, refused_by
FROM tens_insight.refusals
WHERE target_table = %(table)s
ORDER BY refusal_id
