-- The keys of one side that the other lacks: each with its value, highest first, and how many.
SELECT concat_ws(' / ', {key}), a.{value}, count(*) OVER ()
FROM {a} AS a
WHERE NOT EXISTS (SELECT FROM {b} AS b WHERE {same})
ORDER BY a.{value} DESC, 1
LIMIT %(top)s
