-- How many keys are on both sides, how many of them changed, and the mean move of the value.
SELECT count(*), count(*) FILTER (WHERE a.{value} IS DISTINCT FROM b.{value}),
       avg(abs(b.{value} - a.{value}))
FROM {a} AS a
JOIN {b} AS b ON {same}
