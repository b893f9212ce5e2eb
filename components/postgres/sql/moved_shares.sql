-- Of the keys that are published and staged: how many, and how many moved far.
SELECT count(*),
       count(*) FILTER (WHERE abs(staged.{value} - published.{value}) > %(threshold)s)
FROM {staging} AS staged
JOIN {table} AS published ON {same}
