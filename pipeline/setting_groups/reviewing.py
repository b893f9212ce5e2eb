"""Where the evaluation report goes, and whether it names accounts."""

import pydantic
from pydantic import Field


class ReviewingSettings(pydantic.BaseModel):
    """The evaluation report."""

    review_dir: str = Field(
        "",
        description="The evaluation report: folder or bucket path that gets a copy of each; "
        "nowhere but among the artifacts if empty.",
    )
    review_accounts: bool = Field(
        True, description="The evaluation report: whether it names the accounts that move most."
    )
