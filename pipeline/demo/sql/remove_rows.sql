TRUNCATE feedback_enriched, account_churn;
DELETE FROM tens_insight.simulated_worlds;
