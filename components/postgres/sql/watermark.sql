-- What the database held at as_of, in one scan.
SELECT count(*) FILTER (WHERE dated AND created_at < %(as_of)s),
       count(*) FILTER (WHERE dated AND created_at < %(as_of)s AND named),
       count(*) FILTER (WHERE created_at >= %(as_of)s),
       count(*) FILTER (WHERE NOT dated),
       count(*) FILTER (WHERE dated AND created_at < %(previous_as_of)s),
       min(created_at) FILTER (WHERE dated AND created_at < %(as_of)s AND named),
       max(created_at) FILTER (WHERE dated AND created_at < %(as_of)s AND named),
       count(*) FILTER (WHERE created_at < %(as_of)s AND created_at >= %(last_week)s),
       count(*) FILTER (WHERE created_at < %(last_week)s AND created_at >= %(weeks_before)s)
FROM (SELECT created_at,
             coalesce(account_id::text <> '', false) AS named,
             -- As read_feedback.sql has it: no calendar of ours goes back before the year 1.
             coalesce(created_at >= '0001-01-01 00:00+00', false) AS dated
      FROM feedback_enriched) AS feedback
