-- One refusal by the circuit breaker.
INSERT INTO tens_insight.refusals
    (attempt, target_table, as_of, model_version, run_id, rows_staged, mean_probability,
     category_shares, broken_limits, refused_by)
VALUES (%(attempt)s, %(table)s, %(as_of)s, %(model_version)s, %(run_id)s, %(rows)s,
        %(mean_probability)s, %(shares)s, %(broken_limits)s, %(refused_by)s)
RETURNING refusal_id
