-- name: keep_frequent
-- Leaves out accounts that write fewer rows a week between their first and their newest one.
CREATE TEMPORARY TABLE seldom AS
SELECT account_id
FROM feedback_enriched
WHERE account_id IS NOT NULL
GROUP BY account_id
HAVING count(*) < %(weekly_rows)s::float8
       * extract(epoch FROM max(created_at) - min(created_at) + interval '28 days')::float8
       / (7 * 86400);
DELETE FROM feedback_enriched USING seldom WHERE feedback_enriched.account_id = seldom.account_id;
DELETE FROM account_churn USING seldom WHERE account_churn.account_id = seldom.account_id;

-- name: end_contracts
-- Contracts that end without a churn date: each account's, a number of weeks after its first
-- feedback that is geometrically distributed, whatever it wrote. Nothing comes after the end.
CREATE TEMPORARY TABLE ended AS
SELECT account_id,
       first + ceil(ln(place) / ln(1 - %(hazard)s::float8)) * interval '7 days' AS ended_at
FROM (SELECT account_id, min(created_at) AS first,
             (hashtextextended(account_id::text, %(seed)s)::float8 + 2 ^ 63) / 2 ^ 64 AS place
      FROM feedback_enriched
      WHERE account_id IS NOT NULL
      GROUP BY account_id) AS drawn
WHERE place > 0;
DELETE FROM feedback_enriched
USING ended
WHERE feedback_enriched.account_id = ended.account_id AND created_at >= ended_at;
DELETE FROM account_churn
USING ended
WHERE account_churn.account_id = ended.account_id AND churned_at >= ended_at;
ANALYZE feedback_enriched, account_churn
