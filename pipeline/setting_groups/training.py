"""How the network is fitted."""

from typing import Annotated, Literal

import pydantic
from pydantic import Field

from pipeline.setting_groups.types import Share


class TrainingSettings(pydantic.BaseModel):
    """Size of the network, and how it is trained."""

    seed: int = Field(20, ge=0, le=2**31 - 1, description="Of weights, dropout and shuffling.")
    epochs: int = Field(8, ge=1, le=10_000, description="Passes over the training snapshots.")
    batch_size: int = Field(512, ge=1, description="Snapshots in a training step.")
    learning_rate: float = Field(0.002, gt=0, lt=1, description="Of Adam at the first step.")
    l2: float = Field(
        0.005,
        ge=0,
        description="The network's L2 penalty at 10,000 training snapshots; less where more.",
    )
    dropout: Share = Field(0.5, lt=1, description="Share of hidden units dropped in training.")
    hidden_units: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (32, 16), description="Units of each hidden layer; [] for the linear part alone."
    )
    members: int = Field(
        6, ge=1, le=50, description="Networks whose mean is the model, half of them of fewer bins."
    )
    carried_shift: Share = Field(
        0.0, description="Share of the newest label window's shift of log-odds that lasts."
    )
    hyperparameters: Literal["tuned", "settings"] = Field(
        "tuned",
        description="Those of the newest `run tune` where none is set here, or settings alone.",
    )
    tune_trials: int = Field(
        12, ge=2, le=1000, description="Sets of hyperparameters that `run tune` measures."
    )
