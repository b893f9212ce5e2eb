"""THE description of each table that we publish to or read: all generic code iterates over it.

One more output table is one more OutputTable in OUTPUT_TABLES: the contract check, the grants,
the messages about missing rights, staging, checks, the circuit breaker, history, undo and the
commands read it here. What creates the tables is a migration; a test compares the two.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from psycopg2 import sql

from transforms.columns import COLUMNS, Kind

STRING: Final = frozenset({"text", "character varying", "character", "citext"})
INTEGER: Final = frozenset({"smallint", "integer", "bigint"})
DOUBLE: Final = frozenset({"double precision"})
MOMENT: Final = frozenset({"timestamp with time zone"})
JSON: Final = frozenset({"jsonb"})
UUID: Final = frozenset({"uuid"})
SINGLE: Final = frozenset({"real"})
SINGLES: Final = frozenset({"real[]"})
NAMES: Final = frozenset({"text[]"})
NUMBERS: Final = frozenset({"integer[]"})
EXACT: Final = frozenset({"numeric"})
BOOLEAN: Final = frozenset({"boolean"})

ColumnType = Literal[
    "text", "double precision", "integer", "timestamptz", "jsonb", "real", "real[]"
]
"""As CREATE TABLE takes it."""
_ACCEPTED: Final[dict[ColumnType, frozenset[str]]] = {
    "text": STRING,
    "double precision": DOUBLE,
    "integer": INTEGER - {"smallint"},  # counts are larger
    "timestamptz": MOMENT,
    "jsonb": JSON,
    "real": SINGLE,
    "real[]": SINGLES,
}
_PLAIN: Final[dict[ColumnType, str]] = {"text": 'text COLLATE "C"'}
"""A cast of what is compared; any other type compares as it is."""
_INPUT_TYPES: Final[dict[Kind, frozenset[str]]] = {
    Kind.ID: STRING,
    Kind.MOMENT: MOMENT,
    Kind.NUMBER: INTEGER,
    Kind.CATEGORY: STRING,
}
_DB_INIT: Final = "run `tens-insight db init`"
_OURS: Final = "tens_insight"


@dataclass(frozen=True)
class TableContract:
    """What must be there for the pipeline's role: checked by `db check` and before each run.

    Attributes:
        table: "table" or "schema.table".
        columns: Name of each column that is used, and the types that it may have.
        rights: Of SELECT, INSERT, UPDATE and DELETE those that are needed.
        remedy: What to do when the table is not there.
        key: The columns that together identify a row, where that is relied upon.
    """

    table: str
    columns: dict[str, frozenset[str]]
    rights: tuple[str, ...]
    remedy: str = _DB_INIT
    key: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """A column of rows that we write; a value is None only where it is nullable."""

    name: str
    type: ColumnType
    nullable: bool = False


@dataclass(frozen=True)
class Rule:
    """What every row must fulfil, checked before anything is published.

    Attributes:
        condition: SQL over the columns; false and NULL both break the rule. It may use
            %(cuts)s and %(places)s of the risk bands; a percent sign is written twice.
        problem: Says what is wrong with a row that breaks it.
    """

    condition: str
    problem: str


@dataclass(frozen=True)
class StagedTable:
    """Rows that are copied into a temporary table first.

    Attributes:
        name: Name of the table or view that they are for, without the schema.
        columns: Every column, in the order of the rows.
        key: The columns that identify a row.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in the order of the rows."""
        return tuple(column.name for column in self.columns)

    @property
    def column_list(self) -> sql.Composed:
        """The quoted columns, separated by commas."""
        return sql.SQL(", ").join(map(sql.Identifier, self.column_names))

    @property
    def key_list(self) -> sql.Composed:
        """The quoted columns of the key, separated by commas."""
        return sql.SQL(", ").join(map(sql.Identifier, self.key))

    @property
    def accepted_types(self) -> dict[str, frozenset[str]]:
        """The types that each column may have in the database, by name."""
        return {column.name: _ACCEPTED[column.type] for column in self.columns}

    def same_key(self, left: str, right: str) -> sql.Composed:
        """Returns the condition that two rows have the same key, by their aliases."""
        return sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(sql.Identifier(left, name), sql.Identifier(right, name))
            for name in self.key
        )

    def key_text(self, alias: str) -> sql.Composed:
        """Returns the key of a row as one text, by the alias of its table; NULL without a row."""
        columns = sql.SQL(", ").join(sql.Identifier(alias, name) for name in self.key)
        return sql.SQL("nullif(concat_ws(' / ', {}), '')").format(columns)


@dataclass(frozen=True)
class DetailTable(StagedTable):
    """Details of each row of an output table: written with it, by publication.

    Attributes:
        name: The view in schema tens_insight that shows those of the published rows.
        history: The table there that keeps them, those of the two newest states alone.
        reader_views: The views there that readers of the output table may read.
    """

    history: str
    reader_views: tuple[str, ...]

    @property
    def view(self) -> sql.Identifier:
        """The quoted name of the view."""
        return sql.Identifier(_OURS, self.name)

    @property
    def history_table(self) -> sql.Identifier:
        """The quoted name of the table that keeps them."""
        return sql.Identifier(_OURS, self.history)

    @property
    def contracts(self) -> tuple[TableContract, ...]:
        """What the pipeline's role needs."""
        columns = {"publication_id": INTEGER, **self.accepted_types}
        return (
            TableContract(f"{_OURS}.{self.history}", columns, ("SELECT", "INSERT", "DELETE")),
            TableContract(f"{_OURS}.{self.name}", columns, ("SELECT",)),
        )


@dataclass(frozen=True)
class OutputTable(StagedTable):
    """A table in schema public whose rows each publication replaces.

    Attributes:
        short: What commands call it.
        unit: What one row is, in the plural.
        constant: Columns that hold the same value in all rows of a publication.
        rules: What each row must fulfil.
        history: Name in schema tens_insight of the table that keeps the rows of each
            publication, for comparing and undoing: publication_id and the columns.
        refused: Name there of the table that keeps what the circuit breaker refused:
            refusal_id and the columns.
        key_source: For each column of the key the column of feedback_enriched that fills it.
        value: The column whose moves the circuit breaker and `publications diff` compare.
        probability: The column whose mean the circuit breaker compares, if there is one.
        category: The column whose shares it compares, if there is one.
        computed: Columns that rules use beside the row's own: name and SQL.
        details: Details of each row, if those are published too.
        indexes: Name of each index beside the key, and what it covers, as pg_indexes says
            it; the names are those of GoInsight's migrations, which then add none.
        samples: Rows without their key which a table must take, some for each kind of value.
        rights: Of the pipeline's role.
        reader_rights: Of roles that read what is published.
    """

    short: str
    unit: str
    constant: tuple[str, ...]
    rules: tuple[Rule, ...]
    history: str
    refused: str
    value: str
    probability: str | None = None
    category: str | None = None
    computed: dict[str, str] = field(default_factory=dict)
    details: DetailTable | None = None
    indexes: dict[str, str] = field(default_factory=dict)
    key_source: tuple[str, ...] = ()
    samples: tuple[tuple[object, ...], ...] = ()
    rights: tuple[str, ...] = ("SELECT", "INSERT", "UPDATE", "DELETE")
    reader_rights: tuple[str, ...] = ("SELECT",)

    @property
    def qualified(self) -> str:
        """Name with the schema."""
        return f"public.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        """The quoted name of the table itself."""
        return sql.Identifier("public", self.name)

    @property
    def casts(self) -> sql.Composed:
        """The columns of the table in the types of the history.

        Texts compare byte by byte, whatever citext or a collation of the table would say.
        """
        return sql.SQL(", ").join(
            sql.SQL("{0}::" + _PLAIN.get(column.type, column.type) + " AS {0}").format(
                sql.Identifier(column.name)
            )
            for column in self.columns
        )

    @property
    def rows(self) -> sql.Composed:
        """The table as a subquery, its columns in the types of the history."""
        return sql.SQL("(SELECT {} FROM {})").format(self.casts, self.identifier)

    @property
    def history_table(self) -> sql.Identifier:
        """The quoted name of the table of what was published."""
        return sql.Identifier(_OURS, self.history)

    @property
    def refused_table(self) -> sql.Identifier:
        """The quoted name of the table of what was refused."""
        return sql.Identifier(_OURS, self.refused)

    @property
    def contract(self) -> TableContract:
        """What the pipeline's role needs of the table itself."""
        return TableContract(self.qualified, self.accepted_types, self.rights, key=self.key)

    @property
    def history_contracts(self) -> tuple[TableContract, ...]:
        """What it needs of the histories of rows and details."""
        columns = {"publication_id": INTEGER, **self.accepted_types}
        rows = TableContract(f"{_OURS}.{self.history}", columns, ("SELECT", "INSERT", "DELETE"))
        return (rows, *(self.details.contracts if self.details else ()))

    @property
    def refused_contract(self) -> TableContract:
        """What it needs of the table of refused rows, which go with their refusal."""
        columns = {"refusal_id": INTEGER, **self.accepted_types}
        return TableContract(f"{_OURS}.{self.refused}", columns, ("SELECT", "INSERT"))


FEEDBACK: Final = TableContract(
    table="feedback_enriched",
    columns={column.name: _INPUT_TYPES[column.kind] for column in COLUMNS},
    rights=("SELECT",),
    remedy="GoInsight's ETL creates it: check that DATABASE_URL names GoInsight's database; over "
    "tables of your own make a view of this name (docs/quickstart-your-database.md)",
)


def churn_contract(table: str, account_column: str, date_column: str) -> TableContract:
    """Returns the contract of the optional table of the ground truth."""
    return TableContract(
        table=table,
        columns={account_column: STRING, date_column: MOMENT},
        rights=("SELECT",),
        remedy="correct TENS_INSIGHT_CHURN_TABLE, or create the table, or set "
        "TENS_INSIGHT_LABEL_SOURCE=inactivity",
    )


def actions_contract(
    table: str, account_column: str, date_column: str, kind_column: str
) -> TableContract:
    """Returns the contract of the optional table of what a team did for accounts."""
    return TableContract(
        table=table,
        columns={account_column: STRING, date_column: MOMENT, kind_column: STRING},
        rights=("SELECT",),
        remedy="correct TENS_INSIGHT_ACTIONS_TABLE, or leave it empty",
    )


ACCOUNT_RISK_DETAILS: Final = DetailTable(
    name="account_risk_details",
    # Percentile and lift are computed from the scores, inside the publication.
    columns=(
        Column("account_id", "text"),
        Column("churn_by_horizon", "jsonb"),
        Column("tenure_days", "double precision"),
        Column("days_since_last_event", "double precision"),
        Column("silence_state", "text"),
        Column("base_log_odds", "double precision", nullable=True),
        Column("other_log_odds", "double precision", nullable=True),
        Column("reasons", "jsonb", nullable=True),
        Column("other_reasons", "jsonb", nullable=True),
        Column("customer_tier", "text", nullable=True),
        Column("region", "text", nullable=True),
    ),
    key=("account_id",),
    history="account_risk_detail_history",
    reader_views=("account_risk_details", "account_risk_reasons"),
)

ACCOUNT_CONTRIBUTIONS: Final = StagedTable(
    name="account_contributions",
    columns=(
        Column("account_id", "text"),
        Column("base_log_odds", "real", nullable=True),
        Column("probabilities", "real[]"),
        Column("log_odds", "real[]", nullable=True),
        Column("customer_tier", "text", nullable=True),
        Column("region", "text", nullable=True),
        Column("silence_state", "text"),
    ),
    key=("account_id",),
)
"""What each score is made of, of the publications that are kept; the Monitor writes it."""

SHADOW_SCORES: Final = StagedTable(
    name="shadow_scores",
    columns=(
        Column("place", "integer"),
        Column("account_id", "text"),
        Column("probabilities", "real[]"),
    ),
    key=("place", "account_id"),
)
"""What models say that score beside the champion and are never published."""

_SOME_MOMENT: Final = "2026-06-01 00:00:00+00"

_FOLLOWS_FROM_PROBABILITY: Final = """risk_category IS NOT DISTINCT FROM CASE
    WHEN place <= (%(places)s::bigint[])[1] THEN 'critical'
    WHEN place <= (%(places)s::bigint[])[2] THEN 'high'
    WHEN place <= (%(places)s::bigint[])[3] THEN 'medium'
    WHEN place IS NOT NULL THEN 'low'
    WHEN churn_probability < (%(cuts)s::float8[])[1] THEN 'low'
    WHEN churn_probability < (%(cuts)s::float8[])[2] THEN 'medium'
    WHEN churn_probability < (%(cuts)s::float8[])[3] THEN 'high'
    ELSE 'critical' END"""
"""Categories follow from cuts, where medium, high and critical begin, or, where these are NULL,
from the place by probability: places holds the last place of critical, high and medium."""

ACCOUNT_RISK_SCORES: Final = OutputTable(
    name="account_risk_scores",
    short="scores",
    unit="accounts",
    columns=(
        Column("account_id", "text"),
        Column("churn_probability", "double precision"),
        Column("health_score", "double precision"),
        Column("risk_category", "text"),
        Column("predicted_at", "timestamptz"),
        Column("model_version", "text"),
    ),
    key=("account_id",),
    key_source=("account_id",),
    samples=tuple(
        (probability, 100 * (1 - probability), category, _SOME_MOMENT, "20260601-0f1e2d3c")
        for probability, category in (
            (0.001, "low"),
            (0.1, "low"),
            (0.3, "medium"),
            (0.6, "high"),
            (0.9, "critical"),
        )
    ),
    constant=("predicted_at", "model_version"),
    rules=(
        Rule("churn_probability BETWEEN 0 AND 1", "churn_probability is not a number from 0 to 1"),
        Rule(
            "abs(health_score - 100 * (1 - churn_probability)) <= 1e-9",
            "health_score is not 100 x (1 - churn_probability)",
        ),
        Rule(_FOLLOWS_FROM_PROBABILITY, "risk_category does not follow from churn_probability"),
        Rule("account_id <> ''", "account_id is empty"),
    ),
    computed={
        "place": "CASE WHEN %(places)s::bigint[] IS NOT NULL THEN row_number() OVER "
        '(ORDER BY churn_probability DESC, account_id COLLATE "C") END'
    },
    history="account_risk_score_history",
    refused="account_risk_scores_refused",
    value="churn_probability",
    probability="churn_probability",
    category="risk_category",
    details=ACCOUNT_RISK_DETAILS,
    indexes={
        "idx_account_risk_category": "(risk_category)",
        "idx_account_predicted_at": "(predicted_at DESC)",
        "idx_account_health_score": "(health_score)",
        "idx_account_id_lower": "(lower((account_id)::text))",
    },
)

PRODUCT_AREA_IMPACT: Final = OutputTable(
    name="product_area_impact",
    short="areas",
    unit="pairs",
    columns=(
        Column("product_area", "text"),
        Column("segment", "text"),
        Column("priority_score", "double precision"),
        Column("feedback_count", "integer"),
        Column("avg_sentiment_score", "double precision"),
        Column("negative_count", "integer"),
        Column("critical_count", "integer"),
        Column("predicted_at", "timestamptz"),
        Column("model_version", "text"),
    ),
    key=("product_area", "segment"),
    key_source=("product_area", "customer_tier"),
    samples=(
        (0.0, 1, 0.5, 0, 0, _SOME_MOMENT, "weights-0f1e2d3c"),
        (42.5, 40_000, -0.75, 30_000, 20_000, _SOME_MOMENT, "weights-0f1e2d3c"),
        (99.0, 300, 0.0, 100, 300, _SOME_MOMENT, "weights-0f1e2d3c"),
    ),
    constant=("predicted_at", "model_version"),
    rules=(
        Rule("priority_score BETWEEN 0 AND 100", "priority_score is not a number from 0 to 100"),
        Rule(
            "avg_sentiment_score BETWEEN -1 AND 1",
            "avg_sentiment_score is not a number from -1 to 1",
        ),
        Rule("least(feedback_count, negative_count, critical_count) >= 0", "a count is below 0"),
        Rule(
            "greatest(negative_count, critical_count) <= feedback_count",
            "a count is above feedback_count",
        ),
        Rule("'' NOT IN (product_area, segment)", "product_area or segment is empty"),
    ),
    history="product_area_impact_history",
    refused="product_area_impact_refused",
    value="priority_score",
    indexes={
        "idx_product_area_priority": "(priority_score DESC)",
        "idx_product_area_predicted_at": "(predicted_at DESC)",
        "idx_product_area_segment": "(segment)",
    },
)

OUTPUT_TABLES: Final = (ACCOUNT_RISK_SCORES, PRODUCT_AREA_IMPACT)

PUBLICATIONS: Final = TableContract(
    table="tens_insight.publications",
    columns={
        "target_table": STRING,
        "as_of": MOMENT,
        "model_version": STRING,
        "undone_at": MOMENT,
        "risk_bands": JSON,
        "horizon_days": INTEGER,
        "horizons_judged": NUMBERS,
        "split": JSON,
        "population": JSON,
    },
    rights=("SELECT", "INSERT", "UPDATE"),
)
REFUSALS: Final = TableContract(
    table="tens_insight.refusals",
    columns={"refusal_id": INTEGER, "target_table": STRING},
    rights=("SELECT", "INSERT", "DELETE"),
)
RUNS: Final = TableContract(
    table="tens_insight.runs",
    columns={"run_id": STRING, "state": STRING, "started_at": MOMENT, "seen_at": MOMENT},
    rights=("SELECT", "INSERT", "UPDATE", "DELETE"),
)
CONTRIBUTIONS: Final = (
    TableContract(
        table=f"{_OURS}.{ACCOUNT_CONTRIBUTIONS.name}",
        columns={"publication_id": INTEGER, **ACCOUNT_CONTRIBUTIONS.accepted_types},
        rights=("SELECT", "INSERT", "DELETE"),
    ),
    TableContract(
        table=f"{_OURS}.contribution_layouts",
        columns={
            "publication_id": INTEGER,
            "horizons": NUMBERS,
            "horizon_days": INTEGER,
            "groups": NAMES,
            "accounts": INTEGER,
            "digest": EXACT,
        },
        rights=("SELECT", "INSERT", "DELETE"),
    ),
    TableContract(
        table=f"{_OURS}.score_changes",
        columns={
            "publication_id": INTEGER,
            "former_publication_id": INTEGER,
            "part": STRING,
            "feature_group": STRING,
            "accounts": INTEGER,
            "change": DOUBLE,
        },
        rights=("SELECT", "INSERT", "DELETE"),
    ),
    TableContract(
        table=f"{_OURS}.score_causes",
        columns={
            "publication_id": INTEGER,
            "cause": STRING,
            "days_ago": INTEGER,
            "evidence": NAMES,
        },
        rights=("SELECT", "INSERT", "DELETE"),
    ),
)
"""What scores are made of, why their mean changed, and what the feedback says about it."""
SHADOWS: Final = (
    TableContract(
        table=f"{_OURS}.{SHADOW_SCORES.name}",
        columns={"publication_id": INTEGER, **SHADOW_SCORES.accepted_types},
        rights=("SELECT", "INSERT", "DELETE"),
    ),
    TableContract(
        table=f"{_OURS}.shadow_models",
        columns={
            "publication_id": INTEGER,
            "place": INTEGER,
            "model_version": STRING,
            "role": STRING,
            "horizons": NUMBERS,
            "horizon_days": INTEGER,
            "accounts": INTEGER,
            "kept": BOOLEAN,
        },
        rights=("SELECT", "INSERT", "UPDATE", "DELETE"),
        key=("publication_id", "place"),
    ),
)
"""Models that scored without being published."""
_MEASURED: Final = {
    "window_start": MOMENT,
    "window_end": MOMENT,
    "granularity": STRING,
    "run_id": STRING,
    "publication_id": INTEGER,
    "model_version": STRING,
    "slice_key": STRING,
    "slice_value": STRING,
    "column_name": STRING,
    "metric": STRING,
    "value": DOUBLE,
}
PROFILE_METRICS: Final = TableContract(
    table="tens_insight.profile_metrics",
    columns={**_MEASURED, "observations": DOUBLE, "sketch": JSON},
    rights=("SELECT", "INSERT", "DELETE"),
)
DRIFT_METRICS: Final = TableContract(
    table="tens_insight.drift_metrics",
    columns={
        **_MEASURED,
        "baseline": STRING,
        "compared_with": STRING,
        "usual_low": DOUBLE,
        "usual_high": DOUBLE,
        "statistic": STRING,
        "surprise": DOUBLE,
        "threshold": DOUBLE,
        "alarm": BOOLEAN,
        "opened_at": MOMENT,
    },
    rights=("SELECT", "INSERT", "DELETE"),
)
ALERTS: Final = (
    TableContract(
        table="tens_insight.alerts",
        columns={
            "alert_id": UUID,
            "kind": STRING,
            "key": STRING,
            "severity": STRING,
            "sentence": STRING,
            "evidence": JSON,
            "first_seen": MOMENT,
            "last_seen": MOMENT,
            "times_seen": INTEGER,
            "resolved_at": MOMENT,
            "lasts": BOOLEAN,
            "queued_at": MOMENT,
        },
        rights=("SELECT", "INSERT", "UPDATE", "DELETE"),
    ),
    TableContract(
        table="tens_insight.alert_deliveries",
        columns={
            "alert_id": UUID,
            "sink": STRING,
            "event": STRING,
            "attempts": INTEGER,
            "next_attempt_at": MOMENT,
            "delivered_at": MOMENT,
            "given_up_at": MOMENT,
            "problem": STRING,
        },
        rights=("SELECT", "INSERT", "UPDATE", "DELETE"),
        key=("alert_id", "sink", "event"),
    ),
)
"""What needs a person, and what each sink was told of it."""
DATABASE_IDENTITY: Final = TableContract(
    table="tens_insight.database_identity", columns={"id": UUID}, rights=("SELECT",)
)
OUTCOMES: Final = (
    TableContract(
        table="tens_insight.outcome_windows",
        columns={
            "publication_id": INTEGER,
            "horizon_days": INTEGER,
            "label_source": STRING,
            "closed_at": MOMENT,
            "measured_as_of": MOMENT,
            "not_known": STRING,
            "accounts_left": INTEGER,
            "rows_corrected": INTEGER,
        },
        rights=("SELECT", "INSERT", "UPDATE"),
        key=("publication_id", "horizon_days"),
    ),
    TableContract(
        table="tens_insight.account_departures",
        columns={
            "account_id": STRING,
            "label_source": STRING,
            "gone_from": MOMENT,
            "gone_until": MOMENT,
        },
        rights=("SELECT", "INSERT", "UPDATE", "DELETE"),
        key=("account_id", "label_source", "gone_from"),
    ),
    TableContract(
        table="tens_insight.silence_marks",
        columns={
            "label_source": STRING,
            "as_of": MOMENT,
            "whole_as_of": MOMENT,
            "publication_id": INTEGER,
            "oldest": MOMENT,
            "silence_days": INTEGER,
            "feedback_rows": INTEGER,
            "digest": EXACT,
            "departures": INTEGER,
        },
        rights=("SELECT", "INSERT", "DELETE"),
        key=("label_source",),
    ),
    TableContract(
        table="tens_insight.missing_accounts",
        columns={"account_id": STRING, "missing_from": MOMENT},
        rights=("SELECT", "INSERT", "DELETE"),
        key=("account_id",),
    ),
    TableContract(
        table="tens_insight.score_outcomes",
        columns={"publication_id": INTEGER, "account_id": STRING, "outcome": STRING},
        rights=("SELECT",),
    ),
    TableContract(
        table="tens_insight.model_performance",
        columns={
            "publication_id": INTEGER,
            "horizon_days": INTEGER,
            "kind": STRING,
            "slice": STRING,
            "slice_value": STRING,
            "band": STRING,
            "metric": STRING,
            "value": DOUBLE,
            "low": DOUBLE,
            "high": DOUBLE,
        },
        rights=("SELECT", "INSERT", "DELETE"),
        key=("publication_id", "horizon_days", "kind", "slice", "slice_value", "band", "metric"),
    ),
    TableContract(
        table="tens_insight.missed_churn",
        columns={"account_id": STRING, "left_at": MOMENT, "reasons": JSON},
        rights=("SELECT", "INSERT", "DELETE"),
        key=("account_id", "left_at"),
    ),
)
"""What became of the accounts that were scored."""
EVENT_LOG: Final = TableContract(
    table=f"{_OURS}.account_event_log",
    columns={
        "event_id": INTEGER,
        "publication_id": INTEGER,
        "as_of": MOMENT,
        "kind": STRING,
        "account_id": STRING,
        "product_area": STRING,
        "customer_tier": STRING,
        "value": DOUBLE,
        "left_out": STRING,
        "ended_publication_id": INTEGER,
    },
    rights=("SELECT", "INSERT", "UPDATE", "DELETE"),
)
EVENTS: Final = (
    EVENT_LOG,
    TableContract(
        table=f"{_OURS}.event_publications",
        columns={"publication_id": INTEGER, "as_of": MOMENT, "told": INTEGER, "left_out": INTEGER},
        rights=("SELECT", "INSERT", "DELETE"),
    ),
    TableContract(
        table=f"{_OURS}.account_events",
        columns={"event_id": INTEGER, "ended_at": MOMENT, "withdrawn_at": MOMENT},
        rights=("SELECT",),
    ),
)
"""What happened to accounts and product areas."""
OF_ACCOUNTS: Final = (
    *("account_departures", "missing_accounts", "missed_churn"),
    ACCOUNT_CONTRIBUTIONS.name,
    SHADOW_SCORES.name,
    "account_event_log",
)
"""Tables in schema tens_insight with rows about single accounts, beside histories and refusals:
`tens-insight forget` empties them of one."""
FOR_READERS: Final = (
    *("score_outcomes", "outcome_windows", "model_performance", "missed_churn"),
    *("account_risk_score_runs", "score_publications", "account_score_parts", "score_changes"),
    *("score_causes", "score_windows"),
    *("profile_metrics", "drift_metrics"),
    "alerts",
    *("account_events", "event_publications"),
)
"""Tables and views in schema tens_insight that readers of the account scores may read, beside the
details of the scores."""
_OTHERS: Final = (
    TableContract("tens_insight.schema_migrations", {}, ("SELECT",)),
    TableContract("tens_insight.simulated_worlds", {}, ("SELECT", "INSERT")),
    TableContract("tens_insight.stream_positions", {}, ("SELECT", "INSERT", "UPDATE", "DELETE")),
)
"""Not needed for a run; only messages about missing rights name them."""


def output_contracts() -> Iterator[TableContract]:
    """Yields all that publishing needs, the output tables first."""
    yield from (table.contract for table in OUTPUT_TABLES)
    yield DATABASE_IDENTITY
    yield PUBLICATIONS
    for table in OUTPUT_TABLES:
        yield from table.history_contracts
    yield REFUSALS
    yield from (table.refused_contract for table in OUTPUT_TABLES)
    yield from CONTRIBUTIONS
    yield from SHADOWS
    yield RUNS
    yield from OUTCOMES
    yield PROFILE_METRICS
    yield DRIFT_METRICS
    yield from ALERTS
    yield from EVENTS


def pipeline_rights() -> dict[str, str]:
    """Returns what GRANT takes for the pipeline's role, by the name of a table without schema."""
    return {
        contract.table.rpartition(".")[2]: f"{', '.join(contract.rights)} ON {contract.table}"
        for contract in (*output_contracts(), *_OTHERS)
    }
