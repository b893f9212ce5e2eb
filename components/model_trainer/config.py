"""The settings of ModelTrainer and ModelTuner: the network, and how it is fitted."""

from typing import Annotated, Literal

import pydantic
from pydantic import Field

from components.config import Count, Days, Fraction, component_config


@component_config
class ModelTrainerConfig:
    """What is predicted, the size of the network, how it is trained, and how it is tuned."""

    churn_horizons: tuple[Days, ...] = Field(
        default=(30, 60, 90),
        min_length=1,
        description="Days for which churn is predicted in addition to horizon_days, a JSON list.",
    )
    seed: int = Field(
        default=20,
        ge=0,
        le=2**31 - 1,
        description="Random seed of initial weights, dropout and shuffling.",
    )
    epochs: int = Field(
        default=8, ge=1, le=10_000, description="Passes over the training examples."
    )
    batch_size: Count = Field(default=512, description="Examples in a training step.")
    learning_rate: float = Field(
        default=0.002, gt=0, lt=1, description="Adam's learning rate at the first step."
    )
    l2: float = Field(
        default=0.005,
        ge=0,
        description="L2 penalty of the network at 10,000 training examples; it shrinks in "
        "proportion with more.",
    )
    dropout: Annotated[Fraction, Field(lt=1)] = Field(
        default=0.5, description="Fraction (0..1) of hidden units dropped in a training step."
    )
    hidden_units: tuple[Count, ...] = Field(
        default=(32, 16),
        description="Width of each hidden layer, a JSON list; [] for the linear part alone.",
    )
    members: int = Field(
        default=6, ge=1, le=50, description="Ensemble size: networks whose log-odds are averaged."
    )
    carried_shift: Fraction = Field(
        default=0.0,
        description="Fraction (0..1) of the newest cutoff's calibration shift applied to scores.",
    )
    hyperparameters: Literal["tuned", "settings"] = Field(
        default="tuned",
        description="Where hyperparameters that are not set come from: the newest `run tune` "
        "(tuned), or the defaults (settings).",
    )
    tune_trials: int = Field(
        default=12,
        ge=2,
        le=1000,
        description="Number of hyperparameter sets that `run tune` evaluates.",
    )

    @pydantic.field_validator("churn_horizons")
    @classmethod
    def _distinct(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(days)) < len(days):
            raise ValueError("each horizon may be named once only")
        return tuple(sorted(days))
