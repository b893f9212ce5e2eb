-- name: newest_runs
-- The newest attempts.
SELECT run_id, kind, state, started_at, ended_at, run_by, exit_code, error, sentence, failed_node,
       model_version, published, warnings, log, report, state_dir, seen_at,
       state IN ('waiting', 'running') AND seen_at < now() - %(silent_after)s AS silent
FROM tens_insight.runs
ORDER BY started_at DESC, run_id DESC
LIMIT %(limit)s

-- name: published_by_runs
-- What runs published, also where it was undone since.
SELECT run_id, target_table, rows_written
FROM tens_insight.publications
WHERE run_id = ANY(%(run_ids)s)
  AND kind = 'published'
ORDER BY publication_id

-- name: put_run
-- One attempt, in place of what was known of it before.
INSERT INTO tens_insight.runs
    (run_id, kind, state, started_at, ended_at, run_by, exit_code, error, sentence, failed_node,
     model_version, published, warnings, log, report, state_dir)
VALUES (%(run_id)s, %(kind)s, %(state)s, %(started_at)s, %(ended_at)s, %(run_by)s, %(exit_code)s,
        %(error)s, %(sentence)s, %(failed_node)s, %(model_version)s, %(published)s::text[],
        %(warnings)s::text[], %(log)s, %(report)s, %(state_dir)s)
ON CONFLICT (run_id) DO UPDATE
SET state = excluded.state, ended_at = excluded.ended_at, exit_code = excluded.exit_code,
    error = excluded.error, sentence = excluded.sentence, failed_node = excluded.failed_node,
    model_version = excluded.model_version, published = excluded.published,
    warnings = excluded.warnings, log = excluded.log, report = excluded.report,
    seen_at = now()
-- Whose end was told here was not killed, though its own file could not be written any more.
WHERE excluded.state <> 'killed' OR runs.ended_at IS NULL

-- name: sign_of_life
-- A run is still at work.
UPDATE tens_insight.runs
SET seen_at = now()
WHERE run_id = %(run_id)s
  AND ended_at IS NULL

-- name: drop_runs
-- Attempts that are old, but for the newest of all.
DELETE FROM tens_insight.runs
WHERE started_at < now() - %(age)s
  AND run_id NOT IN (SELECT run_id
                     FROM tens_insight.runs
                     ORDER BY started_at DESC, run_id DESC
                     LIMIT %(keep)s)

-- name: run
-- One attempt.
SELECT run_id, kind, state, started_at, ended_at, run_by, exit_code, error, sentence, failed_node,
       model_version, published, warnings, log, report, state_dir, seen_at,
       state IN ('waiting', 'running') AND seen_at < now() - %(silent_after)s AS silent
FROM tens_insight.runs
WHERE run_id = %(run_id)s
