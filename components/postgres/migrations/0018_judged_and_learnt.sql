-- What is known of how the numbers of a publication came about: which of its horizons the model gate
-- could judge, and whether a score was learnt at all.
ALTER TABLE tens_insight.publications ADD COLUMN horizons_judged integer[];
COMMENT ON COLUMN tens_insight.publications.horizons_judged IS
    'Of horizons, those that the model gate judged; NULL where that is not known. The probabilities '
    'of the others were published without ever having been compared with what happened.';

-- Versions of the cold-start rule begin with rules-, and no model's does.
CREATE OR REPLACE VIEW tens_insight.account_risk_details AS
SELECT detail.account_id, detail.publication_id, shown.predicted_at, shown.model_version,
       shown.churn_probability, shown.risk_category,
       run.risk_bands ->> 'mode' AS risk_bands,
       detail.percentile, detail.lift, detail.base_rate, detail.churn_by_horizon,
       detail.tenure_days, detail.days_since_last_event, detail.silence_state,
       detail.base_log_odds, detail.other_log_odds, detail.reasons,
       detail.other_reasons, detail.customer_tier, detail.region, detail.holdout,
       run.horizons_judged,
       shown.model_version NOT LIKE 'rules-%' AS learnt
FROM (SELECT DISTINCT ON (account_id)
             account_id, publication_id, predicted_at, model_version, churn_probability,
             risk_category
      FROM tens_insight.account_risk_score_history
      WHERE publication_id IN (
          SELECT publication_id
          FROM tens_insight.publications
          WHERE target_table = 'account_risk_scores'
            AND undone_at IS NULL
            AND publication_id >= (SELECT coalesce(max(publication_id), 0)
                                   FROM tens_insight.publications
                                   WHERE target_table = 'account_risk_scores'
                                     AND undone_at IS NULL
                                     AND removes_others))
      ORDER BY account_id, publication_id DESC) AS shown
JOIN tens_insight.account_risk_detail_history AS detail USING (publication_id, account_id)
JOIN tens_insight.publications AS run USING (publication_id);
COMMENT ON COLUMN tens_insight.account_risk_details.horizons_judged IS
    'Days of churn_by_horizon that the model gate judged; the probabilities within others were never '
    'compared with what happened. NULL: not known.';
COMMENT ON COLUMN tens_insight.account_risk_details.learnt IS
    'Whether a model scored; false: the cold-start rule, which learns nothing.';
