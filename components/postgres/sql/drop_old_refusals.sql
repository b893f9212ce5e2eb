-- Of each table the newest refusals are kept; their rows go with them.
DELETE FROM tens_insight.refusals
WHERE target_table = %(table)s
  AND refusal_id NOT IN (SELECT refusal_id
                         FROM tens_insight.refusals
                         WHERE target_table = %(table)s
                         ORDER BY refusal_id DESC
                         LIMIT %(keep)s)
