-- An undone publication stays in the log, but counts no more.
UPDATE tens_insight.publications
SET undone_at = now(), undone_by = %(undone_by)s, undo_reason = %(reason)s
WHERE publication_id = %(publication_id)s
