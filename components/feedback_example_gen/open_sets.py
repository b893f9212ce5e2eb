"""The columns of feedback whose values are an open set of words."""

from typing import Final

from transforms import columns

EVENT_COLUMNS: Final = tuple(one.name for one in columns.OPEN_SETS if not one.of_account)
ACCOUNT_COLUMNS: Final = tuple(one.name for one in columns.OPEN_SETS if one.of_account)
OPEN_SETS: Final = (*EVENT_COLUMNS, *ACCOUNT_COLUMNS)
