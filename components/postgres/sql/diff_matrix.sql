-- Of the keys on both sides: how many went from which category to which.
SELECT a.{category}::text, b.{category}::text, count(*)
FROM {a} AS a
JOIN {b} AS b ON {same}
GROUP BY 1, 2
ORDER BY 1, 2
