-- name: feedback_by_day
-- Rows by day back from as_of, each counted once for its source, tier, region and area. Rows are
-- grouped as they are written, what is left by its value; a cell is sentiment and priority in one
-- number, so that less has to be hashed. Behind OFFSET day and cell are computed once, and the planner
-- expects few groups, which it hashes; the quotes keep it from taking the 0 for an expression.
SELECT dimension, coalesce(btrim(value), '') AS value, day, cell, sum(rows)::bigint AS rows
FROM (SELECT CASE 0 WHEN grouping(source) THEN 0 WHEN grouping(tier) THEN 1
                    WHEN grouping(region) THEN 2 ELSE 3 END AS dimension,
             coalesce(source, tier, region, area) AS value,
             day, cell, count(*) AS rows
      FROM (SELECT source::text AS source, customer_tier::text AS tier, region::text AS region,
                   product_area::text AS area,
                   floor(date_part('epoch', %(as_of)s - created_at) / 86400)::integer AS day,
                   array_position(%(kinds)s, sentiment::text) * %(top)s - %(top)s + priority - 1
                       AS cell
            FROM feedback_enriched
            WHERE created_at > %(start)s
              AND created_at < %(as_of)s
              AND priority BETWEEN 1 AND %(top)s
              AND {chosen}
            OFFSET '0') AS event
      WHERE cell IS NOT NULL
      GROUP BY GROUPING SETS ((source, day, cell), (tier, day, cell), (region, day, cell),
                              (area, day, cell))) AS counted
GROUP BY 1, 2, 3, 4

-- name: rows_by_day
-- All rows by day back from a moment.
SELECT floor(date_part('epoch', %(as_of)s - created_at) / 86400)::integer AS day, count(*) AS rows
FROM feedback_enriched
WHERE created_at > %(start)s AND created_at < %(as_of)s AND {chosen}
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
