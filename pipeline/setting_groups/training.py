"""How the network is fitted."""

from typing import Annotated, Literal

import pydantic
from pydantic import Field

from pipeline.setting_groups.types import Share


class TrainingSettings(pydantic.BaseModel):
    """Size of the network, and how it is trained."""

    seed: int = Field(20, ge=0, le=2**31 - 1, description="Of weights, dropout and shuffling.")
    max_epochs: int = Field(60, ge=1, le=10_000, description="Early stopping usually ends sooner.")
    batch_size: int = Field(1024, ge=1, description="Snapshots in a training step.")
    learning_rate: float = Field(0.001, gt=0, lt=1, description="Of Adam.")
    l2: float = Field(
        0.05, ge=0, description="L2 penalty at 10,000 training snapshots; less where more."
    )
    dropout: Share = Field(0.2, lt=1, description="Share of hidden units dropped in training.")
    hidden_units: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (32, 16), description="Units of each hidden layer."
    )
    members: int = Field(
        3, ge=1, le=50, description="Networks of different seeds whose mean is the model."
    )
    hyperparameters: Literal["tuned", "settings"] = Field(
        "tuned",
        description="Those of the newest `run tune` where none is set here, or settings alone.",
    )
    tune_trials: int = Field(
        12, ge=2, le=1000, description="Sets of hyperparameters that `run tune` measures."
    )
