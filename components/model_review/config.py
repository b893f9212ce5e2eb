"""The settings of ModelReview: where the evaluation report goes, and whom it names."""

from pydantic import Field

from components.config import component_config
from components.database_config import DatabaseConfig


@component_config
class ModelReviewConfig(DatabaseConfig):
    """The evaluation report."""

    review_dir: str = Field(
        default="",
        description="The evaluation report: folder or bucket path that gets a copy of each; "
        "if empty, the report is kept among the artifacts alone.",
    )
    review_accounts: bool = Field(
        default=True,
        description="The evaluation report: whether it names the accounts whose scores change "
        "most.",
    )
