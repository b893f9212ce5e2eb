-- The first rule that each staged row breaks, counted; no rows if all is well.
SELECT problem, count(*), min((product_area || ' / ' || segment) COLLATE "C")
FROM (SELECT product_area, segment,
             CASE
                 WHEN (priority_score BETWEEN 0 AND 100) IS NOT TRUE
                     THEN 'priority_score is not a number from 0 to 100'
                 WHEN (avg_sentiment_score BETWEEN -1 AND 1) IS NOT TRUE
                     THEN 'avg_sentiment_score is not a number from -1 to 1'
                 WHEN (least(feedback_count, negative_count, critical_count) >= 0) IS NOT TRUE
                     THEN 'a count is below 0'
                 WHEN greatest(negative_count, critical_count) > feedback_count
                     THEN 'a count is above feedback_count'
                 WHEN num_nulls(product_area, segment, feedback_count, negative_count,
                                critical_count, predicted_at, model_version) > 0
                     THEN 'a column is NULL'
                 WHEN '' IN (product_area, segment)
                     THEN 'product_area or segment is empty'
             END AS problem
      FROM {staging}) AS checked
WHERE problem IS NOT NULL
GROUP BY problem
ORDER BY problem
