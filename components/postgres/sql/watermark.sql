-- What the database held at as_of, in one scan.
SELECT count(*) FILTER (WHERE created_at < %(as_of)s),
       count(*) FILTER (WHERE created_at < %(as_of)s AND account_id <> ''),
       count(*) FILTER (WHERE created_at >= %(as_of)s),
       count(*) FILTER (WHERE created_at < %(previous_as_of)s),
       min(created_at) FILTER (WHERE created_at < %(as_of)s AND account_id <> '' AND isfinite(created_at)),
       max(created_at) FILTER (WHERE created_at < %(as_of)s AND account_id <> '' AND isfinite(created_at))
FROM feedback_enriched
