"""The settings of a run itself: when it is, and where this machine keeps and executes it."""

from datetime import datetime
from pathlib import Path

import pydantic
from pydantic import Field

from components.config import component_config
from components.feedback_example_gen.config import in_utc


@component_config
class RunSettings:
    """The run's now, the state directory, and Beam."""

    state_dir: Path = Field(
        default=Path("var"),
        description="Folder of ML Metadata, artifacts, pushed models, logs, embedded database.",
    )
    as_of: datetime | None = Field(
        default=None,
        description="The run's now, ISO 8601, UTC without a zone; default: the database's clock.",
    )
    beam_pipeline_args: tuple[str, ...] = Field(
        default=(), description="Options for Beam in place of the local defaults, a JSON list."
    )

    @pydantic.field_validator("state_dir")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return folder.expanduser().absolute()

    @pydantic.field_validator("as_of")
    @classmethod
    def _in_utc(cls, moment: datetime | None) -> datetime | None:
        return None if moment is None else in_utc(moment)
