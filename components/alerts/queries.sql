-- name: lock
-- One process at a time looks and records; it ends with the transaction.
SELECT pg_try_advisory_xact_lock(hashtextextended('tens-insight alerts', 0))

-- name: open_alert
-- Opens an alert, or says of the one that is open that it still holds.
INSERT INTO tens_insight.alerts AS standing (alert_id, kind, key, severity, sentence, evidence)
VALUES (%(alert_id)s, %(kind)s, %(key)s, %(severity)s, %(sentence)s, %(evidence)s)
ON CONFLICT (kind, key) WHERE resolved_at IS NULL DO UPDATE
SET last_seen = greatest(standing.last_seen, now()),
    times_seen = standing.times_seen + 1,
    severity = excluded.severity,
    sentence = excluded.sentence,
    evidence = excluded.evidence

-- name: resolve
-- Resolves what is open of these kinds, or of these kinds and keys, but for what still holds.
UPDATE tens_insight.alerts
SET resolved_at = greatest(last_seen, now())
WHERE resolved_at IS NULL
  AND (kind = ANY(%(kinds)s::text[])
       OR (kind, key) IN (SELECT * FROM unnest(%(of_kinds)s::text[], %(of_keys)s::text[])))
  AND (kind, key) NOT IN (SELECT * FROM unnest(%(hold_kinds)s::text[], %(hold_keys)s::text[]))

-- name: tell
-- A message about something that was done: it never is open.
INSERT INTO tens_insight.alerts
    (alert_id, kind, key, severity, sentence, evidence, resolved_at, lasts)
VALUES (%(alert_id)s, %(kind)s, %(key)s, %(severity)s, %(sentence)s, %(evidence)s, now(), false)

-- name: alerts
-- Alerts, those that are open first, then the newest.
SELECT alert_id::text, kind, key, severity, sentence, evidence, first_seen, last_seen, times_seen,
       resolved_at, lasts
FROM tens_insight.alerts
WHERE resolved_at IS NULL OR %(all)s
ORDER BY resolved_at IS NOT NULL, first_seen DESC, kind, key
LIMIT %(limit)s

-- name: drop_alerts
DELETE FROM tens_insight.alerts
WHERE resolved_at < now() - %(age)s

-- name: drop_deliveries
DELETE FROM tens_insight.alert_deliveries AS delivery
WHERE NOT EXISTS (SELECT FROM tens_insight.alerts WHERE alerts.alert_id = delivery.alert_id)

-- name: queue_openings
-- What each sink has not been told yet: what is open, and what was opened and ended unseen within a
-- day. No sink is told by itself that it fails.
INSERT INTO tens_insight.alert_deliveries (alert_id, sink, event)
SELECT alert.alert_id, sink.name, CASE WHEN alert.lasts THEN 'opened' ELSE 'told' END
FROM tens_insight.alerts AS alert
CROSS JOIN unnest(%(sinks)s::text[]) AS sink (name)
WHERE alert.severity = ANY(%(severities)s::text[])
  AND (alert.resolved_at IS NULL
       OR (alert.queued_at IS NULL AND alert.resolved_at > now() - interval '1 day'))
  AND NOT (alert.kind = 'sink_failed' AND starts_with(alert.key, sink.name || ' of '))
ON CONFLICT DO NOTHING

-- name: mark_queued
UPDATE tens_insight.alerts
SET queued_at = now()
WHERE queued_at IS NULL

-- name: queue_resolutions
INSERT INTO tens_insight.alert_deliveries (alert_id, sink, event)
SELECT alert.alert_id, opened.sink, 'resolved'
FROM tens_insight.alerts AS alert
JOIN tens_insight.alert_deliveries AS opened USING (alert_id)
WHERE alert.lasts AND alert.resolved_at IS NOT NULL
  AND opened.event = 'opened' AND opened.given_up_at IS NULL
ON CONFLICT DO NOTHING

-- name: give_up
-- What is over, and too old for anybody, and the end of what a sink was never told the beginning of.
UPDATE tens_insight.alert_deliveries AS delivery
SET given_up_at = now()
WHERE delivered_at IS NULL AND given_up_at IS NULL
  AND ((created_at < now() - %(age)s
        AND NOT EXISTS (SELECT FROM tens_insight.alerts
                        WHERE alerts.alert_id = delivery.alert_id AND alerts.resolved_at IS NULL))
       OR (event = 'resolved'
           AND EXISTS (SELECT FROM tens_insight.alert_deliveries AS opened
                       WHERE opened.alert_id = delivery.alert_id AND opened.sink = delivery.sink
                         AND opened.event = 'opened' AND opened.given_up_at IS NOT NULL)))

-- name: count_due
SELECT count(*)
FROM tens_insight.alert_deliveries
WHERE delivered_at IS NULL AND given_up_at IS NULL
  AND sink = ANY(%(sinks)s::text[]) AND next_attempt_at <= now()

-- name: claim
-- Deliveries that are due, oldest first; of an alert the end after the beginning. Who claims one
-- has it for a while: another process leaves it, and where this one is killed it is due again. A
-- moment too far ahead was written by a clock that was wrong.
WITH due AS (
    SELECT alert_id, sink, event
    FROM tens_insight.alert_deliveries AS waiting
    WHERE delivered_at IS NULL AND given_up_at IS NULL
      AND sink = ANY(%(sinks)s::text[])
      AND (next_attempt_at <= now() OR next_attempt_at > now() + %(farthest)s)
      AND NOT (event = 'resolved'
               AND EXISTS (SELECT FROM tens_insight.alert_deliveries AS opened
                           WHERE opened.alert_id = waiting.alert_id AND opened.sink = waiting.sink
                             AND opened.event = 'opened' AND opened.delivered_at IS NULL))
    ORDER BY created_at, alert_id, sink, event
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED)
UPDATE tens_insight.alert_deliveries AS delivery
SET attempts = delivery.attempts + 1, tried_at = now(), next_attempt_at = now() + %(lease)s
FROM due, tens_insight.alerts AS alert
WHERE (delivery.alert_id, delivery.sink, delivery.event) = (due.alert_id, due.sink, due.event)
  AND alert.alert_id = due.alert_id
RETURNING delivery.alert_id::text, delivery.sink, delivery.event, delivery.attempts,
          delivery.created_at, alert.kind, alert.key, alert.severity, alert.sentence,
          alert.evidence, alert.first_seen, alert.last_seen, alert.times_seen, alert.resolved_at,
          alert.lasts

-- name: settle
-- What became of an attempt.
UPDATE tens_insight.alert_deliveries
SET delivered_at = CASE WHEN %(delivered)s THEN coalesce(delivered_at, now()) END,
    problem = %(problem)s,
    attempts = attempts - %(not_tried)s,
    next_attempt_at = now() + %(delay)s
WHERE (alert_id, sink, event) = (%(alert_id)s::uuid, %(sink)s, %(event)s)
  AND delivered_at IS NULL

-- name: fold_alert
-- An alert that was kept in the state directory while the database was away.
INSERT INTO tens_insight.alerts
    (alert_id, kind, key, severity, sentence, evidence, first_seen, last_seen, times_seen,
     resolved_at, lasts, queued_at)
VALUES (%(alert_id)s, %(kind)s, %(key)s, %(severity)s, %(sentence)s, %(evidence)s,
        least(%(first_seen)s, now()), greatest(least(%(first_seen)s, now()),
                                               least(%(last_seen)s, now())),
        %(times_seen)s,
        CASE WHEN %(resolved_at)s::timestamptz IS NOT NULL
             THEN greatest(least(%(first_seen)s, now()), least(%(resolved_at)s, now())) END,
        %(lasts)s, %(queued_at)s)
ON CONFLICT DO NOTHING

-- name: standing
-- Where an alert of the state directory is now: under its own name, or as the one that was open.
SELECT alert_id::text
FROM tens_insight.alerts
WHERE alert_id = %(alert_id)s::uuid
   OR (kind = %(kind)s AND key = %(key)s AND resolved_at IS NULL)
ORDER BY alert_id <> %(alert_id)s::uuid
LIMIT 1

-- name: fold_delivery
INSERT INTO tens_insight.alert_deliveries AS standing
    (alert_id, sink, event, created_at, attempts, tried_at, next_attempt_at, delivered_at,
     given_up_at, problem)
VALUES (%(alert_id)s, %(sink)s, %(event)s, least(%(created_at)s, now()), %(attempts)s,
        %(tried_at)s, %(next_attempt_at)s, %(delivered_at)s, %(given_up_at)s, %(problem)s)
ON CONFLICT (alert_id, sink, event) DO UPDATE
SET delivered_at = coalesce(standing.delivered_at, excluded.delivered_at),
    given_up_at = CASE WHEN coalesce(standing.delivered_at, excluded.delivered_at) IS NULL
                       THEN standing.given_up_at END

-- name: settled_before
-- A delivery that was made when the database could not be told so.
UPDATE tens_insight.alert_deliveries
SET delivered_at = coalesce(delivered_at, now()), given_up_at = NULL, problem = ''
WHERE (alert_id, sink, event) = (%(alert_id)s::uuid, %(sink)s, %(event)s)
