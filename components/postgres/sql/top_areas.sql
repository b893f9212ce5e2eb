SELECT product_area, segment, priority_score, feedback_count, avg_sentiment_score,
       negative_count, critical_count
FROM public.product_area_impact
ORDER BY priority_score DESC, product_area COLLATE "C", segment COLLATE "C"
LIMIT %(limit)s
