-- The rows of which one side has no equal on the other, to the last bit: *<> compares images,
-- and is NULL where a side is missing.
SELECT count(*), min(coalesce({left_name}, {right_name}) COLLATE "C")
FROM {left} AS l
FULL JOIN {right} AS r ON {same}
WHERE (l *<> r) IS NOT FALSE
