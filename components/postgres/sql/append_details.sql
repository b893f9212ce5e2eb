-- Details of one publication, beside the scores that they stand behind.
INSERT INTO tens_insight.account_risk_detail_history
    (publication_id, account_id, percentile, lift, base_rate, churn_by_horizon, tenure_days,
     days_since_last_event, silence_state, base_log_odds, other_log_odds, reasons)
SELECT %(publication_id)s, account_id, score.percentile,
       score.churn_probability / %(base_rate)s::float8, %(base_rate)s::float8,
       detail.churn_by_horizon, detail.tenure_days, detail.days_since_last_event,
       detail.silence_state, detail.base_log_odds, detail.other_log_odds, detail.reasons
FROM {details} AS detail
JOIN (SELECT account_id, churn_probability,
             100 * percent_rank() OVER (ORDER BY churn_probability) AS percentile
      FROM {scores}) AS score USING (account_id)
