-- name: feedback_by_day
-- Rows by day back from as_of, each counted once for its source, tier, region and area.
SELECT CASE 0 WHEN grouping(source) THEN 0 WHEN grouping(tier) THEN 1
              WHEN grouping(region) THEN 2 ELSE 3 END AS dimension,
       coalesce(source, tier, region, area) AS value,
       day, sentiment, priority, count(*) AS rows
FROM (SELECT coalesce(btrim(source::text), '') AS source,
             coalesce(btrim(customer_tier::text), '') AS tier,
             coalesce(btrim(region::text), '') AS region,
             coalesce(btrim(product_area::text), '') AS area,
             floor(extract(epoch FROM %(as_of)s - created_at) / 86400)::integer AS day,
             sentiment::text AS sentiment, priority
      FROM feedback_enriched
      WHERE created_at > %(start)s
        AND created_at < %(as_of)s
        AND sentiment::text = ANY (%(kinds)s)
        AND priority BETWEEN 1 AND %(top)s) AS event
GROUP BY GROUPING SETS ((source, day, sentiment, priority), (tier, day, sentiment, priority),
                        (region, day, sentiment, priority), (area, day, sentiment, priority))

-- name: rows_by_day
-- All rows by day back from a moment.
SELECT floor(extract(epoch FROM %(as_of)s - created_at) / 86400)::integer AS day, count(*) AS rows
FROM feedback_enriched
WHERE created_at > %(start)s AND created_at < %(as_of)s
GROUP BY 1

-- name: record_cause
INSERT INTO tens_insight.score_causes (publication_id, cause, days_ago, evidence)
SELECT publication_id, %(cause)s, %(days_ago)s, %(evidence)s::text[]
FROM tens_insight.score_publications
WHERE publication_id = %(publication_id)s AND NOT undone

-- name: drop_cause
-- That of a publication which is told again, and those that are too old.
DELETE FROM tens_insight.score_causes
WHERE publication_id = %(publication_id)s
   OR publication_id IN (
          SELECT publication_id
          FROM tens_insight.score_publications
          WHERE as_of <= (SELECT max(as_of) FROM tens_insight.score_publications)
                             - make_interval(days => %(days)s))

-- name: causes
-- The newest verdicts, as they were recorded.
SELECT publication_id, as_of, cause, days_ago, evidence
FROM tens_insight.score_causes
JOIN tens_insight.score_publications USING (publication_id)
WHERE NOT undone
ORDER BY publication_id DESC
LIMIT %(limit)s
