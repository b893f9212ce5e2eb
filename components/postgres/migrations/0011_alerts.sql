-- What needs a person: an alert opens once, is seen again, and resolves.
CREATE TABLE tens_insight.alerts (
    alert_id    uuid        PRIMARY KEY,
    kind        text        NOT NULL CHECK (kind <> ''),
    key         text        NOT NULL,
    severity    text        NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    sentence    text        NOT NULL,
    evidence    jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(evidence) = 'object'),
    first_seen  timestamptz NOT NULL DEFAULT now(),
    last_seen   timestamptz NOT NULL DEFAULT now(),
    times_seen  bigint      NOT NULL DEFAULT 1 CHECK (times_seen > 0),
    resolved_at timestamptz,
    lasts       boolean     NOT NULL DEFAULT true,
    queued_at   timestamptz,
    CHECK (last_seen >= first_seen),
    CHECK (resolved_at >= first_seen)
);
-- Two processes that see the same at a time open one alert.
CREATE UNIQUE INDEX alerts_open ON tens_insight.alerts (kind, key) WHERE resolved_at IS NULL;
CREATE INDEX alerts_newest ON tens_insight.alerts (first_seen DESC);
COMMENT ON TABLE tens_insight.alerts IS
    'What needs a person. No account is named. Kept for HISTORY_DAYS after it is resolved.';
COMMENT ON COLUMN tens_insight.alerts.kind IS 'As in docs/operations.md, which says what to do.';
COMMENT ON COLUMN tens_insight.alerts.key IS
    'What it is about, such as a table: of each kind and key one alert is open at a time.';
COMMENT ON COLUMN tens_insight.alerts.evidence IS 'Numbers and names that it follows from.';
COMMENT ON COLUMN tens_insight.alerts.times_seen IS 'How often it was found to hold.';
COMMENT ON COLUMN tens_insight.alerts.resolved_at IS 'NULL: it is open.';
COMMENT ON COLUMN tens_insight.alerts.lasts IS
    'false: a message about something that was done, which is told once and never open.';
COMMENT ON COLUMN tens_insight.alerts.queued_at IS
    'When the deliveries of its opening were written. NULL: not yet.';

-- The outbox: what each sink is to be told, and whether it was.
CREATE TABLE tens_insight.alert_deliveries (
    alert_id        uuid        NOT NULL,
    sink            text        NOT NULL,
    event           text        NOT NULL CHECK (event IN ('opened', 'resolved', 'told')),
    created_at      timestamptz NOT NULL DEFAULT now(),
    attempts        integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    tried_at        timestamptz,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    delivered_at    timestamptz,
    given_up_at     timestamptz,
    problem         text        NOT NULL DEFAULT '',
    PRIMARY KEY (alert_id, sink, event),
    CHECK (delivered_at IS NULL OR given_up_at IS NULL)
);
CREATE INDEX alert_deliveries_waiting ON tens_insight.alert_deliveries (next_attempt_at)
    WHERE delivered_at IS NULL AND given_up_at IS NULL;
COMMENT ON TABLE tens_insight.alert_deliveries IS
    'What each sink is told of an alert: at least once, tried again until given_up_at.';
COMMENT ON COLUMN tens_insight.alert_deliveries.problem IS
    'Why the last attempt failed; never an address, a password or a token.';
