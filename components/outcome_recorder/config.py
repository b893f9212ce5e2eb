"""The settings of OutcomeRecorder: where it is written down what a team did for accounts."""

from pydantic import Field

from components.config import ColumnName, component_config
from components.database_config import DatabaseConfig


@component_config
class OutcomeRecorderConfig(DatabaseConfig):
    """How outcomes are recorded, and who was acted upon."""

    actions_table: str = Field(
        default="",
        pattern=r"^([A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?)?$",
        description="Table of what a team did for accounts, with its schema if needed; if empty, "
        "nothing is said about it.",
    )
    actions_account_column: ColumnName = Field(
        default="account_id", description="Column of the actions table that names the account."
    )
    actions_date_column: ColumnName = Field(
        default="acted_at",
        description="Column of the actions table with the moment of the action, timestamptz.",
    )
    actions_kind_column: ColumnName = Field(
        default="kind", description="Column of the actions table that says what was done."
    )

    @property
    def actions(self) -> tuple[str, str, str, str] | None:
        """Table of the actions and its columns of accounts, moments, kinds; None without one."""
        if not self.actions_table:
            return None
        columns = (self.actions_account_column, self.actions_date_column, self.actions_kind_column)
        return (self.actions_table, *columns)
