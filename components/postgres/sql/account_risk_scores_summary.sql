-- Mean probability and rows per category of what is staged.
SELECT sum(probability) / sum(accounts), jsonb_object_agg(risk_category, accounts)
FROM (SELECT risk_category, count(*) AS accounts, sum(churn_probability) AS probability
      FROM {staging}
      GROUP BY risk_category) AS per_category
