-- What `tens-insight simulate` wrote: feedback that is not listed here belongs to somebody else.
CREATE TABLE tens_insight.simulated_worlds (
    world_id   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seed       bigint      NOT NULL,
    scenario   text        NOT NULL,
    accounts   integer     NOT NULL CHECK (accounts > 0),
    days       integer     NOT NULL CHECK (days > 0),
    started_at timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL CHECK (ended_at > started_at),
    rows       bigint      NOT NULL CHECK (rows >= 0),
    created_at timestamptz NOT NULL DEFAULT now()
);
