-- name: constant
-- Each churn date goes to an account drawn at random: nothing can be learnt but the rate.
CREATE TEMPORARY TABLE shuffled AS
SELECT row_number() OVER (ORDER BY md5(account_id)) AS place, account_id
FROM (SELECT DISTINCT account_id FROM feedback_enriched WHERE account_id <> '') AS account;
CREATE TEMPORARY TABLE dated AS
SELECT row_number() OVER (ORDER BY md5('date' || account_id)) AS place, churned_at
FROM account_churn;
DELETE FROM account_churn;
INSERT INTO account_churn SELECT account_id, churned_at FROM dated JOIN shuffled USING (place);

-- name: inverted
-- An enrichment that has praise and complaint, urgent and trivial the wrong way round.
UPDATE feedback_enriched
SET sentiment = CASE sentiment WHEN 'positive' THEN 'negative' WHEN 'negative' THEN 'positive'
                ELSE sentiment END,
    priority = 6 - priority

-- name: leak
-- A row that somebody wrote after an account had left, dated back into the two months before.
INSERT INTO feedback_enriched
SELECT 'leak-' || account_id,
       churned_at - make_interval(days => 1 + (hashtext(account_id) & 1023) %% 59),
       'cancellation_form', 'billing', 'neutral', 3, 'refund', 'NA', tier.customer_tier,
       account_id, ''
FROM account_churn
CROSS JOIN LATERAL (SELECT customer_tier FROM feedback_enriched AS feedback
                    WHERE feedback.account_id = account_churn.account_id LIMIT 1) AS tier

-- name: stale
-- An export that is half a year behind, under the dates on which it arrived.
UPDATE feedback_enriched SET created_at = created_at + interval '182 days';
DELETE FROM feedback_enriched WHERE created_at >= %(until)s;

-- name: harsher
-- An enrichment that calls neutral messages negative.
UPDATE feedback_enriched SET sentiment = 'negative' WHERE sentiment = 'neutral'
