"""What the contract promises of each table: columns, types, keys and rights."""

from dataclasses import dataclass

STRING = frozenset({"text", "character varying", "character", "citext"})
INTEGER = frozenset({"smallint", "integer", "bigint"})
DOUBLE = frozenset({"double precision"})
MOMENT = frozenset({"timestamp with time zone"})
BOOLEAN = frozenset({"boolean"})
JSON = frozenset({"jsonb"})


@dataclass(frozen=True)
class TableContract:
    """One table as the contract has it.

    Attributes:
        table: "table" or "schema.table".
        columns: Name of each column that is used, and the types that it may have.
        rights: Of SELECT, INSERT, UPDATE and DELETE those that are needed.
        key: The columns that together identify a row, where that is relied upon.
        remedy: What to do when the table is not there.
    """

    table: str
    columns: dict[str, frozenset[str]]
    rights: tuple[str, ...]
    remedy: str
    key: tuple[str, ...] = ()


FEEDBACK = TableContract(
    table="feedback_enriched",
    # Neither id's values nor the text of summary are read for features; id breaks ties.
    columns={
        "id": STRING,
        "created_at": MOMENT,
        "source": STRING,
        "product_area": STRING,
        "sentiment": STRING,
        "priority": INTEGER,
        "topic": STRING,
        "region": STRING,
        "customer_tier": STRING,
        "account_id": STRING,
    },
    rights=("SELECT",),
    remedy="GoInsight's ETL creates it: check that DATABASE_URL names GoInsight's database",
)

ACCOUNT_RISK_SCORES = TableContract(
    table="public.account_risk_scores",
    columns={
        "account_id": STRING,
        "churn_probability": DOUBLE,
        "health_score": DOUBLE,
        "risk_category": STRING,
        "predicted_at": MOMENT,
        "model_version": STRING,
    },
    rights=("SELECT", "INSERT", "UPDATE", "DELETE"),
    remedy="run `tens-insight db init`",
    key=("account_id",),
)

PRODUCT_AREA_IMPACT = TableContract(
    table="public.product_area_impact",
    columns={
        "product_area": STRING,
        "segment": STRING,
        "priority_score": DOUBLE,
        "feedback_count": INTEGER,
        "avg_sentiment_score": DOUBLE,
        "negative_count": INTEGER,
        "critical_count": INTEGER,
        "predicted_at": MOMENT,
        "model_version": STRING,
    },
    rights=("SELECT", "INSERT", "UPDATE", "DELETE"),
    remedy="run `tens-insight db init`",
    key=("product_area", "segment"),
)

PUBLICATIONS = TableContract(
    table="tens_insight.publications",
    columns={
        "target_table": STRING,
        "as_of": MOMENT,
        "model_version": STRING,
        "has_history": BOOLEAN,
        "undone_at": MOMENT,
        "risk_bands": JSON,
    },
    rights=("SELECT", "INSERT", "UPDATE"),
    remedy="run `tens-insight db init`",
)

REFUSALS = TableContract(
    table="tens_insight.refusals",
    columns={"refusal_id": INTEGER, "target_table": STRING},
    rights=("SELECT", "INSERT", "DELETE"),
    remedy="run `tens-insight db init`",
)


def _history(table: str, key: tuple[str, ...]) -> TableContract:
    return TableContract(
        table=f"tens_insight.{table}",
        columns={"publication_id": INTEGER, **dict.fromkeys(key, STRING)},
        rights=("SELECT", "INSERT", "DELETE"),
        remedy="run `tens-insight db init`",
    )


def _refused(table: str, key: tuple[str, ...]) -> TableContract:
    return TableContract(
        table=f"tens_insight.{table}",
        columns={"refusal_id": INTEGER, **dict.fromkeys(key, STRING)},
        rights=("SELECT", "INSERT"),
        remedy="run `tens-insight db init`",
    )


ACCOUNT_RISK_DETAILS = TableContract(
    table="tens_insight.account_risk_details",
    columns={"publication_id": INTEGER, "account_id": STRING, "reasons": JSON},
    rights=("SELECT",),
    remedy="run `tens-insight db init`",
)

OUTPUTS = (
    ACCOUNT_RISK_SCORES,
    PRODUCT_AREA_IMPACT,
    PUBLICATIONS,
    _history("account_risk_score_history", ACCOUNT_RISK_SCORES.key),
    _history("account_risk_detail_history", ACCOUNT_RISK_SCORES.key),
    ACCOUNT_RISK_DETAILS,
    _history("product_area_impact_history", PRODUCT_AREA_IMPACT.key),
    REFUSALS,
    _refused("account_risk_scores_refused", ACCOUNT_RISK_SCORES.key),
    _refused("product_area_impact_refused", PRODUCT_AREA_IMPACT.key),
)


def churn_contract(table: str, account_column: str, date_column: str) -> TableContract:
    """Returns the contract of the optional table of the ground truth."""
    return TableContract(
        table=table,
        columns={account_column: STRING, date_column: MOMENT},
        rights=("SELECT",),
        remedy="create it, or let the label be inactivity",
    )
