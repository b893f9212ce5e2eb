"""The columns of feedback_enriched that are read: their kinds, and their features in Examples.

Every other place asks this list: what the reader expects of the query, the contract of the
table, the raw features of an example, the data checks, the vocabularies. A column that is
not here is neither read nor asked for.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """What the values of a column are, and so which types of SQL it may have."""

    ID = "text that names something"
    MOMENT = "a timestamptz"
    NUMBER = "an integer"
    CATEGORY = "text with few different values"


@dataclass(frozen=True)
class Column:
    """One column. NULL is refused in all of them; of a category, a blank text counts as missing.

    Attributes:
        name: In feedback_enriched.
        kind: Of its values.
        feature: Its name in Examples; empty for a column that is no feature.
        of_account: Whether an example holds the newest event's value alone; else it holds a
            list, one value an event.
        values: All that a category may be; empty for an open set, where a new value is news
            and no error.
        label: What features, properties and messages call it; empty stands for its name.
    """

    name: str
    kind: Kind
    feature: str
    of_account: bool = False
    values: tuple[str, ...] = ()
    label: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", self.label or self.name)


NEGATIVE: Final = "negative"
NEUTRAL: Final = "neutral"
POSITIVE: Final = "positive"
SENTIMENTS: Final = (NEGATIVE, NEUTRAL, POSITIVE)

ID: Final = Column("id", Kind.ID, "")
"""Breaks ties between rows of one moment; nothing else is made of it."""
ACCOUNT_ID: Final = Column("account_id", Kind.ID, "account_id", of_account=True)
CREATED_AT: Final = Column("created_at", Kind.MOMENT, "event_age_days")
"""As days before the cutoff; tenure and silence are made of it as well."""
PRIORITY: Final = Column("priority", Kind.NUMBER, "event_priority")
"""1 (low) to 5 (critical)."""
SENTIMENT: Final = Column("sentiment", Kind.CATEGORY, "event_sentiment", values=SENTIMENTS)
PRODUCT_AREA: Final = Column("product_area", Kind.CATEGORY, "event_product_area", label="area")
SOURCE: Final = Column("source", Kind.CATEGORY, "event_source")
TOPIC: Final = Column("topic", Kind.CATEGORY, "event_topic")
CUSTOMER_TIER: Final = Column(
    "customer_tier", Kind.CATEGORY, "customer_tier", of_account=True, label="tier"
)
REGION: Final = Column("region", Kind.CATEGORY, "region", of_account=True)

COLUMNS: Final = (
    ID,
    ACCOUNT_ID,
    CREATED_AT,
    PRIORITY,
    SENTIMENT,
    PRODUCT_AREA,
    SOURCE,
    TOPIC,
    CUSTOMER_TIER,
    REGION,
)

NUMBERS: Final = tuple(column for column in COLUMNS if column.kind is Kind.NUMBER)
CATEGORIES: Final = tuple(column for column in COLUMNS if column.kind is Kind.CATEGORY)
EVENT_COLUMNS: Final = tuple(column for column in (*NUMBERS, *CATEGORIES) if not column.of_account)
"""Those that an example holds as lists, beside the events' ages."""
ACCOUNT_COLUMNS: Final = tuple(column for column in (*NUMBERS, *CATEGORIES) if column.of_account)
OPEN_SETS: Final = tuple(
    column
    for column in (*EVENT_COLUMNS, *ACCOUNT_COLUMNS)
    if column.kind is Kind.CATEGORY and not column.values
)
"""Categories whose values nobody lists: what is new, rare or spelled in two ways is counted."""
