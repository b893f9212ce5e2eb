-- A rule has neither probabilities nor categories: the circuit breaker looks at the count alone.
SELECT NULL::double precision, NULL::jsonb
