COPY feedback_enriched (
    id, created_at, source, product_area, sentiment, priority,
    topic, region, customer_tier, account_id, summary
) FROM STDIN
