-- A publication that was committed although its answer was lost on the way.
SELECT rows_written, rows_removed, mean_probability, category_shares, published_at, publication_id,
       risk_bands -> 'changed_from'
FROM tens_insight.publications
WHERE attempt = %(attempt)s
