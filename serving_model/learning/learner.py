"""What a learner is: from labelled examples and settings to a fitted model.

`trainer.run_fn` exports what a learner fits, with the Transform graph and the explainer, as
the signatures of `serving_model.served.interface`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import keras

from serving_model.learning.fitting import FitSettings
from serving_model.learning.labelled_examples import LabelledExamples
from serving_model.learning.network import NetworkShape
from serving_model.learning.person_periods import Horizons
from serving_model.served.model_card import CardValue


@dataclass(frozen=True)
class TrainerSettings:
    """What the pipeline hands to run_fn in `custom_config`.

    Attributes:
        fit: The network and how it is fitted.
        carried_shift: Fraction of the newest cutoff's calibration shift that is applied to
            scores, in [0, 1].
        horizon_days: The label's horizon, that of churn_probability.
        churn_horizons: Further horizons in days that the model should answer for.
        critical_priority: Lowest priority that is critical, 1..5, as Transform was told.
        model_card: Written beside the model, with what training found added.
    """

    fit: FitSettings
    carried_shift: float
    horizon_days: int
    churn_horizons: tuple[int, ...]
    critical_priority: int
    model_card: Mapping[str, CardValue]

    @classmethod
    def from_custom_config(cls, config: Mapping[str, Any]) -> "TrainerSettings":
        """Reads the settings from plain values, as they come back from JSON.

        Args:
            config: seed, epochs, batch_size, learning_rate, l2, dropout, hidden_units,
                members, carried_shift, horizon_days, churn_horizons, critical_priority,
                model_card.

        Raises:
            ValueError: If one of them is missing.
        """
        try:
            network = NetworkShape(
                hidden_units=tuple(int(units) for units in config["hidden_units"]),
                l2=float(config["l2"]),
                dropout=float(config["dropout"]),
                members=int(config["members"]),
            )
            fit = FitSettings(
                network=network,
                seed=int(config["seed"]),
                batch_size=int(config["batch_size"]),
                learning_rate=float(config["learning_rate"]),
                epochs=int(config["epochs"]),
            )
            return cls(
                fit=fit,
                carried_shift=float(config["carried_shift"]),
                horizon_days=int(config["horizon_days"]),
                churn_horizons=tuple(int(days) for days in config["churn_horizons"]),
                critical_priority=int(config["critical_priority"]),
                model_card=dict(config["model_card"]),
            )
        except KeyError as missing:
            found = sorted(config)
            raise ValueError(f"Trainer's custom_config lacks {missing}; it has {found}.") from None


class LearnedModel(Protocol):
    """A fitted model."""

    @property
    def horizons(self) -> Horizons:
        """The K horizons that it answers for, and which one is that of churn_probability."""

    def served(self) -> keras.Model:
        """Returns the model from features, float32 [batch, columns], to probabilities.

        The probabilities are float32 [batch, K] and rise with the horizon. The model is
        differentiable: reasons are integrated gradients.
        """

    def facts(self) -> dict[str, CardValue]:
        """Returns what fitting found, for the model card: finite numbers and text."""


class Learner(Protocol):
    """Fits a model; the same examples and settings give the same weights."""

    def __call__(self, examples: LabelledExamples, settings: TrainerSettings) -> LearnedModel:
        """Fits a model on all training examples, which hold both classes.

        Args:
            examples: Features float32 [n, columns], labels, cutoffs and days observed.
            settings: Hyperparameters, horizons and seed.
        """
