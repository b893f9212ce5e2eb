"""The tables that are published to, described once for staging, checks and upsert."""

from dataclasses import dataclass
from typing import Final, Literal

from psycopg2 import sql

from components.postgres.queries import queries

_QUERIES: Final = queries(__package__)

ColumnType = Literal[
    "text", "double precision", "integer", "timestamptz", "jsonb", "jsonb NULL",
    "double precision NULL",
]  # fmt: skip
"""As CREATE TABLE takes it; a value is None only where NULL is said."""


@dataclass(frozen=True)
class Staged:
    """Rows that are staged by COPY.

    Attributes:
        table: Name of the table that they are for, without the schema.
        columns: Name and type of every column, in the order of the rows.
        key: The columns that identify a row.
    """

    table: str
    columns: tuple[tuple[str, ColumnType], ...]
    key: tuple[str, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in the order of the rows."""
        return tuple(name for name, _ in self.columns)

    @property
    def column_list(self) -> sql.Composed:
        """The quoted columns, separated by commas."""
        return sql.SQL(", ").join(map(sql.Identifier, self.column_names))

    @property
    def key_list(self) -> sql.Composed:
        """The quoted columns of the key, separated by commas."""
        return sql.SQL(", ").join(map(sql.Identifier, self.key))

    def same_key(self, left: str, right: str) -> sql.Composed:
        """Returns the condition that two rows have one key, by their aliases."""
        return sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(sql.Identifier(left, name), sql.Identifier(right, name))
            for name in self.key
        )


@dataclass(frozen=True)
class Target(Staged):
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
        history: Name in schema tens_insight of the table of what was published.
        refused: Name there of the table of what the circuit breaker refused.
        value: The column whose moves are told.
        category: The column of categories, if there is one.
    """

    constant: tuple[str, ...]
    check: str
    summary: str
    history: str
    refused: str
    value: str
    category: str | None = None

    @property
    def history_table(self) -> sql.Identifier:
        """The quoted name of the table of what was published."""
        return sql.Identifier("tens_insight", self.history)

    @property
    def refused_table(self) -> sql.Identifier:
        """The quoted name of the table of what was refused."""
        return sql.Identifier("tens_insight", self.refused)


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
    check=_QUERIES["account_risk_scores_check"],
    summary=_QUERIES["account_risk_scores_summary"],
    history="account_risk_score_history",
    refused="account_risk_scores_refused",
    value="churn_probability",
    category="risk_category",
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
    check=_QUERIES["product_area_impact_check"],
    summary=_QUERIES["product_area_impact_summary"],
    history="product_area_impact_history",
    refused="product_area_impact_refused",
    value="priority_score",
)
