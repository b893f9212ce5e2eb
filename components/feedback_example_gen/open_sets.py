"""The columns of feedback whose values are an open set of words."""

from typing import Final

EVENT_COLUMNS: Final = ("product_area", "source", "topic")
ACCOUNT_COLUMNS: Final = ("customer_tier", "region")
OPEN_SETS: Final = (*EVENT_COLUMNS, *ACCOUNT_COLUMNS)
