-- Whose scores a publication holds, where accounts that are silent for too long are left out.
ALTER TABLE tens_insight.publications ADD COLUMN population jsonb;
COMMENT ON COLUMN tens_insight.publications.population IS
    'Who was scored: active_within_days (an account without feedback for longer was silent; null: '
    'nobody was), why (how it was proposed; null: it was set), silent (how many such accounts no '
    'churn date said had left), silent_accounts (listed: not scored; scored) and rows_after_churn '
    '(back or final). NULL: not recorded.';
