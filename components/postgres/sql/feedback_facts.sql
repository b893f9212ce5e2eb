-- Size and range of the feedback, in one scan.
SELECT coalesce(sum(rows), 0)::bigint,
       count(account_id),
       coalesce(sum(rows) FILTER (WHERE account_id IS NULL), 0)::bigint,
       coalesce(sum(future_rows), 0)::bigint,
       min(first_created_at),
       max(last_created_at)
FROM (SELECT nullif(account_id, '') AS account_id,
             count(*) AS rows,
             count(*) FILTER (WHERE created_at > now()) AS future_rows,
             min(created_at) FILTER (WHERE isfinite(created_at)) AS first_created_at,
             max(created_at) FILTER (WHERE isfinite(created_at)) AS last_created_at
      FROM feedback_enriched
      GROUP BY 1) AS per_account
