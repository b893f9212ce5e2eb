-- The keys on both sides whose value moved most.
SELECT concat_ws(' / ', {key}), a.{value}, b.{value}
FROM {a} AS a
JOIN {b} AS b ON {same}
WHERE a.{value} IS DISTINCT FROM b.{value}
ORDER BY abs(b.{value} - a.{value}) DESC, 1
LIMIT %(top)s
