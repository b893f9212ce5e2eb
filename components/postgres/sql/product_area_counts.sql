-- What the rule of the product areas counts, for each pair in the window, in one scan.
-- Rows without an account count too. The casts to text take the padding off char(n).
SELECT product_area::text,
       customer_tier::text,
       count(*),
       count(*) FILTER (WHERE sentiment::text = 'negative'),
       count(*) FILTER (WHERE sentiment::text = 'positive'),
       count(*) FILTER (WHERE priority >= %(critical_priority)s),
       count(*) FILTER (WHERE priority = %(top_priority)s),
       count(*) FILTER (WHERE created_at >= %(recent_since)s),
       count(*) FILTER (WHERE (sentiment::text IN ('positive', 'neutral', 'negative')
                               AND priority BETWEEN 1 AND 5) IS NOT TRUE)
FROM feedback_enriched
WHERE created_at >= %(since)s
  AND created_at < %(as_of)s
GROUP BY 1, 2
