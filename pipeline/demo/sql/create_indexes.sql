-- The indexes that GoInsight creates, built after the rows are in: that is faster.
CREATE INDEX IF NOT EXISTS idx_feedback_product_area ON feedback_enriched (product_area);
CREATE INDEX IF NOT EXISTS idx_feedback_sentiment ON feedback_enriched (sentiment);
CREATE INDEX IF NOT EXISTS idx_feedback_priority ON feedback_enriched (priority);
CREATE INDEX IF NOT EXISTS idx_feedback_created_at ON feedback_enriched (created_at DESC);
CREATE INDEX IF NOT EXISTS idx_feedback_customer_tier ON feedback_enriched (customer_tier);
CREATE INDEX IF NOT EXISTS idx_feedback_region ON feedback_enriched (region);
CREATE INDEX IF NOT EXISTS idx_feedback_account_id ON feedback_enriched (account_id);
CREATE INDEX IF NOT EXISTS idx_account_churn_account_id ON account_churn (account_id);
ANALYZE feedback_enriched;
ANALYZE account_churn;
