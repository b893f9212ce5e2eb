-- How much feedback of what kind one account gave, by periods of %(days)s days back from as_of; the
-- last period holds all before it. The text is never read. Rows equal in all but the id count
-- once where %(collapse)s.
SELECT least(floor(extract(epoch FROM %(as_of)s - created_at) / 86400 / %(days)s),
             %(periods)s)::integer AS period,
       count(*),
       count(*) FILTER (WHERE sentiment = 'negative'),
       count(*) FILTER (WHERE sentiment = 'neutral'),
       count(*) FILTER (WHERE sentiment = 'positive'),
       count(*) FILTER (WHERE priority >= 4)
FROM (SELECT created_at, priority, sentiment::text
      FROM feedback_enriched
      WHERE account_id = %(account_id)s
        AND created_at < %(as_of)s
        AND isfinite(created_at)
      GROUP BY created_at, priority, sentiment, product_area, source, topic, customer_tier, region,
               CASE WHEN %(collapse)s THEN NULL ELSE id::text END) AS event
GROUP BY 1
ORDER BY 1
