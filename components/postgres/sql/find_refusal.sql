-- A refusal that was recorded although the answer was lost on the way.
SELECT refusal_id, broken_limits
FROM tens_insight.refusals
WHERE attempt = %(attempt)s
