-- What the data checks decide about is kept beside what history decides: one figure, one decision.
ALTER TABLE tens_insight.drift_metrics DROP CONSTRAINT drift_metrics_baseline_check;
ALTER TABLE tens_insight.drift_metrics
    ADD CONSTRAINT drift_metrics_baseline_check
    CHECK (baseline IN ('training', 'previous', 'setting'));
COMMENT ON COLUMN tens_insight.drift_metrics.baseline IS
    'training: what the champion learnt from. previous: the publications before this one. setting: '
    'a limit of the settings alone.';
COMMENT ON COLUMN tens_insight.drift_metrics.statistic IS
    'jump: beyond the weeks before. stays 3, stays 7: all of so many weeks beyond the quarter before. '
    'month: the mean of 4 weeks beyond such means of the quarter before. change: another than a week '
    'ago. limit: the data checks decide, by the limits usual_low and usual_high of the settings.';

-- For readers: of how many days each publication of account scores speaks, and which models speak.
CREATE VIEW tens_insight.score_windows AS
SELECT publication_id, kind, as_of, model_version, split, undone_at IS NOT NULL AS undone,
       horizon_days, horizons
FROM tens_insight.publications
WHERE target_table = 'account_risk_scores';
COMMENT ON VIEW tens_insight.score_windows IS
    'The horizons of the publications of account_risk_scores, whatever is kept of their parts.';
COMMENT ON COLUMN tens_insight.score_windows.split IS
    'The two models that share the accounts. NULL: one model scored all of them.';
COMMENT ON COLUMN tens_insight.score_windows.horizon_days IS
    'Days that churn_probability looks ahead. NULL: rows of others.';
