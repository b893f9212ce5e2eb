-- What another model adds to a change of the mean, apart from what happened to the accounts.
ALTER TABLE tens_insight.score_changes DROP CONSTRAINT score_changes_part_check;
ALTER TABLE tens_insight.score_changes
    ADD CONSTRAINT score_changes_part_check
    CHECK (part IN ('came', 'left', 'group', 'feedback', 'model', 'rest'));
COMMENT ON COLUMN tens_insight.score_changes.part IS
    'came, left: accounts of one publication only; group: a feature group of the accounts in both; '
    'feedback: where another model scored, what the former one says of their change, if it scored '
    'in shadow; model: the rest of their move then, or all of it, also where no reasons were '
    'recorded; rest: rounding.';
