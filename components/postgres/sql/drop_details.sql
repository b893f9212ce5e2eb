-- Keeps the details of the newest publication, and of the state before it the newest of each key.
DELETE FROM tens_insight.account_risk_detail_history AS old
WHERE old.publication_id <> %(newest)s
  AND (NOT old.publication_id = ANY(%(layers)s::bigint[])
       OR EXISTS (SELECT FROM tens_insight.account_risk_score_history AS newer
                  WHERE newer.account_id = old.account_id
                    AND newer.publication_id > old.publication_id
                    AND newer.publication_id = ANY(%(layers)s::bigint[])))
