"""The tables that are published to, described once for staging, checks and upsert."""

from dataclasses import dataclass
from typing import Final, Literal

from components.postgres.sql import load_sql

ColumnType = Literal["text", "double precision", "integer", "timestamptz"]


@dataclass(frozen=True)
class Target:
    """A table in schema public whose rows are replaced as a whole.

    Attributes:
        table: Name, without the schema.
        columns: Name and type of every column, in the order of the rows; none is NULL.
        key: The columns that identify a row.
        constant: Columns that hold one value in all rows of a publication.
        check: SQL over {staging}: (problem text, rows bigint, example text) for every
            rule that rows break.
        summary: SQL over {staging}: one row (mean probability double precision or
            NULL, rows per category jsonb).
    """

    table: str
    columns: tuple[tuple[str, ColumnType], ...]
    key: tuple[str, ...]
    constant: tuple[str, ...]
    check: str
    summary: str

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in the order of the rows."""
        return tuple(name for name, _ in self.columns)


ACCOUNT_RISK_SCORES: Final = Target(
    table="account_risk_scores",
    columns=(
        ("account_id", "text"),
        ("churn_probability", "double precision"),
        ("health_score", "double precision"),
        ("risk_category", "text"),
        ("predicted_at", "timestamptz"),
        ("model_version", "text"),
    ),
    key=("account_id",),
    constant=("predicted_at", "model_version"),
    check=load_sql("account_risk_scores_check"),
    summary=load_sql("account_risk_scores_summary"),
)

PRODUCT_AREA_IMPACT: Final = Target(
    table="product_area_impact",
    columns=(
        ("product_area", "text"),
        ("segment", "text"),
        ("priority_score", "double precision"),
        ("feedback_count", "integer"),
        ("avg_sentiment_score", "double precision"),
        ("negative_count", "integer"),
        ("critical_count", "integer"),
        ("predicted_at", "timestamptz"),
        ("model_version", "text"),
    ),
    key=("product_area", "segment"),
    constant=("predicted_at", "model_version"),
    check=load_sql("product_area_impact_check"),
    summary=load_sql("product_area_impact_summary"),
)
