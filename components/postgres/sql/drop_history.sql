-- Drops the rows of old publications, save those that a state to be kept still shows: the
-- newest of their key among its layers.
WITH dropped AS (
    DELETE FROM {history} AS old
    WHERE old.publication_id = ANY(%(expired)s)
      AND (NOT old.publication_id = ANY(%(layers)s)
           OR EXISTS (SELECT FROM {history} AS newer
                      WHERE {same}
                        AND newer.publication_id > old.publication_id
                        AND newer.publication_id = ANY(%(layers)s)))
    RETURNING old.publication_id
), marked AS (
    UPDATE tens_insight.publications
    SET dropped_up_to = %(up_to)s
    WHERE publication_id IN (SELECT publication_id FROM dropped)
)
SELECT count(*) FROM dropped
