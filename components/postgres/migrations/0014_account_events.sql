-- What happened to accounts and product areas: one row for each account and cause, not one a day.
CREATE TABLE tens_insight.account_event_log (
    event_id             bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    publication_id       bigint           NOT NULL,
    as_of                timestamptz      NOT NULL,
    recorded_at          timestamptz      NOT NULL DEFAULT now(),
    kind                 text             NOT NULL
        CHECK (kind IN ('entered high', 'entered critical', 'jumped', 'recovered', 'silent',
                        'area critical')),
    account_id           text,
    product_area         text,
    customer_tier        text,
    former_probability   double precision,
    churn_probability    double precision,
    former_category      text,
    risk_category        text,
    priority_score       double precision,
    model_version        text             NOT NULL,
    value                double precision NOT NULL,
    left_out             text
        CHECK (left_out IN ('budget', 'another model', 'another rule', 'first seen',
                            'silent before', 'not told before', 'holdout')),
    ended_publication_id bigint,
    CHECK ((kind = 'area critical') = (account_id IS NULL)),
    CHECK ((kind = 'area critical') = (product_area IS NOT NULL))
);
CREATE INDEX account_event_log_account ON tens_insight.account_event_log (account_id);
CREATE INDEX account_event_log_publication ON tens_insight.account_event_log (publication_id);
CREATE INDEX account_event_log_as_of ON tens_insight.account_event_log (as_of);
COMMENT ON TABLE tens_insight.account_event_log IS
    'Events of accounts and areas as they were recorded; account_events says which still hold.';
COMMENT ON COLUMN tens_insight.account_event_log.ended_publication_id IS
    'The publication that ended it; one that was undone ended nothing.';

-- Which publications were looked at, and how many events each gave.
CREATE TABLE tens_insight.event_publications (
    publication_id bigint      PRIMARY KEY,
    as_of          timestamptz NOT NULL,
    told           integer     NOT NULL CHECK (told >= 0),
    left_out       integer     NOT NULL CHECK (left_out >= 0),
    handled_at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tens_insight.event_publications IS
    'Publications whose events were recorded, and how many were told or left out.';

CREATE VIEW tens_insight.account_events AS
SELECT event.event_id, event.publication_id, event.as_of, event.recorded_at, event.kind,
       event.account_id, event.product_area, event.customer_tier, event.former_probability,
       event.churn_probability, event.former_category, event.risk_category, event.priority_score,
       event.model_version, event.value, event.left_out,
       CASE WHEN ending.undone_at IS NULL THEN ending.as_of END AS ended_at,
       run.undone_at AS withdrawn_at
FROM tens_insight.account_event_log AS event
LEFT JOIN tens_insight.publications AS run USING (publication_id)
LEFT JOIN tens_insight.publications AS ending
       ON ending.publication_id = event.ended_publication_id;
COMMENT ON VIEW tens_insight.account_events IS
    'What happened to accounts and areas. Told were those whose left_out is NULL.';
COMMENT ON COLUMN tens_insight.account_events.customer_tier IS
    'Tier of the account; of a product area its segment.';
COMMENT ON COLUMN tens_insight.account_events.value IS
    'By it the events of a day are ranked: size of the change by the weight of the tier.';
COMMENT ON COLUMN tens_insight.account_events.left_out IS
    'Why it was not told: budget (EVENTS_PER_DAY), another model or rule than before, first seen, '
    'silent before, not told before, holdout. NULL: it was told.';
COMMENT ON COLUMN tens_insight.account_events.ended_at IS
    'as_of of the publication that ended it. NULL: it goes on, or is over at once.';
COMMENT ON COLUMN tens_insight.account_events.withdrawn_at IS
    'When its publication was undone. NULL: it stands.';
