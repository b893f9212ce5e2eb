-- The two tables that GoInsight reads. Where it made one first, that one stays as it is:
-- not even an index is added. The condition comes first because CREATE ... IF NOT EXISTS asks for
-- the right to create even where the table exists.
-- NaN is refused by the upper limits: Postgres sorts it above every number.
DO $$
BEGIN
    IF to_regclass('public.account_risk_scores') IS NULL THEN
        CREATE TABLE public.account_risk_scores (
            account_id        varchar          PRIMARY KEY,
            churn_probability double precision NOT NULL
                CHECK (churn_probability >= 0 AND churn_probability <= 1),
            health_score      double precision NOT NULL
                CHECK (health_score >= 0 AND health_score <= 100),
            risk_category     varchar          NOT NULL
                CHECK (risk_category IN ('low', 'medium', 'high', 'critical')),
            predicted_at      timestamptz      NOT NULL DEFAULT now(),
            model_version     varchar          NOT NULL
        );
        CREATE INDEX account_risk_scores_risk_category ON public.account_risk_scores (risk_category);
        CREATE INDEX account_risk_scores_predicted_at ON public.account_risk_scores (predicted_at DESC);
        CREATE INDEX account_risk_scores_health_score ON public.account_risk_scores (health_score);
    END IF;

    IF to_regclass('public.product_area_impact') IS NULL THEN
        CREATE TABLE public.product_area_impact (
            product_area        varchar          NOT NULL,
            segment             varchar          NOT NULL,
            priority_score      double precision NOT NULL
                CHECK (priority_score >= 0 AND priority_score <= 100),
            feedback_count      integer          NOT NULL CHECK (feedback_count >= 0),
            avg_sentiment_score double precision NOT NULL
                CHECK (avg_sentiment_score >= -1 AND avg_sentiment_score <= 1),
            negative_count      integer          NOT NULL CHECK (negative_count >= 0),
            critical_count      integer          NOT NULL CHECK (critical_count >= 0),
            predicted_at        timestamptz      NOT NULL DEFAULT now(),
            model_version       varchar          NOT NULL,
            PRIMARY KEY (product_area, segment)
        );
        CREATE INDEX product_area_impact_priority_score ON public.product_area_impact (priority_score DESC);
        CREATE INDEX product_area_impact_predicted_at ON public.product_area_impact (predicted_at DESC);
        CREATE INDEX product_area_impact_segment ON public.product_area_impact (segment);
    END IF;
END
$$;
