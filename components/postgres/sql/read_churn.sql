-- When the accounts of one bucket churned, as far as that was known at as_of.
SELECT {account_column}::text, {date_column}::timestamp
FROM {table}
WHERE {date_column} < %(as_of)s
  AND isfinite({date_column})
  AND (hashtext({account_column}::text) & 2147483647) %% %(buckets)s = %(bucket)s
