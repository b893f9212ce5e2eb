-- The two inputs as GoInsight's ETL and a CRM export would make them; those that exist stay.
CREATE TABLE IF NOT EXISTS feedback_enriched (
    id            text        PRIMARY KEY,
    created_at    timestamptz NOT NULL,
    source        text        NOT NULL,
    product_area  text        NOT NULL,
    sentiment     text        NOT NULL CHECK (sentiment IN ('positive', 'neutral', 'negative')),
    priority      int         NOT NULL CHECK (priority BETWEEN 1 AND 5),
    topic         text        NOT NULL,
    region        text        NOT NULL,
    customer_tier text        NOT NULL,
    account_id    varchar,
    summary       text        NOT NULL
);
CREATE TABLE IF NOT EXISTS account_churn (
    account_id varchar     NOT NULL,
    churned_at timestamptz NOT NULL
);
