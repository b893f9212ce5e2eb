-- Scored accounts whose id may be meant: about as long, or with the given text in it.
SELECT account_id::text
FROM public.account_risk_scores
WHERE abs(length(account_id) - length(%(account_id)s)) <= 2
   OR position(lower(%(account_id)s) IN lower(account_id)) > 0
ORDER BY account_id COLLATE "C"
LIMIT %(limit)s
