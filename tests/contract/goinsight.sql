-- The tables as GoInsight's own migrations make them.
CREATE TABLE IF NOT EXISTS feedback_enriched (
    id text PRIMARY KEY,
    created_at timestamptz NOT NULL,
    source text NOT NULL,
    product_area text NOT NULL,
    sentiment text NOT NULL,
    priority int NOT NULL,
    topic text NOT NULL,
    region text NOT NULL,
    customer_tier text NOT NULL,
    account_id varchar(255),
    summary text NOT NULL
);
CREATE TABLE IF NOT EXISTS account_risk_scores (
    account_id varchar(255) PRIMARY KEY,
    churn_probability double precision NOT NULL CHECK (churn_probability BETWEEN 0 AND 1),
    health_score double precision NOT NULL CHECK (health_score BETWEEN 0 AND 100),
    risk_category varchar(50) NOT NULL
        CHECK (risk_category IN ('low', 'medium', 'high', 'critical')),
    predicted_at timestamptz NOT NULL DEFAULT now(),
    model_version varchar(100) NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_account_risk_category ON account_risk_scores (risk_category);
CREATE INDEX IF NOT EXISTS idx_account_predicted_at ON account_risk_scores (predicted_at DESC);
CREATE INDEX IF NOT EXISTS idx_account_health_score ON account_risk_scores (health_score);
CREATE TABLE IF NOT EXISTS product_area_impact (
    product_area varchar(100) NOT NULL,
    segment varchar(50) NOT NULL,
    priority_score double precision NOT NULL CHECK (priority_score BETWEEN 0 AND 100),
    feedback_count integer NOT NULL CHECK (feedback_count >= 0),
    avg_sentiment_score double precision NOT NULL CHECK (avg_sentiment_score BETWEEN -1 AND 1),
    negative_count integer NOT NULL CHECK (negative_count >= 0),
    critical_count integer NOT NULL CHECK (critical_count >= 0),
    predicted_at timestamptz NOT NULL DEFAULT now(),
    model_version varchar(100) NOT NULL,
    PRIMARY KEY (product_area, segment)
);
CREATE INDEX IF NOT EXISTS idx_product_area_priority ON product_area_impact (priority_score DESC);
CREATE INDEX IF NOT EXISTS idx_product_area_predicted_at ON product_area_impact (predicted_at DESC);
CREATE INDEX IF NOT EXISTS idx_product_area_segment ON product_area_impact (segment);
