"""run_fn: what the TFX Trainer calls to fit and export the churn model."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow_transform as tft

from serving_model.learning.churn_model import NetworkShape
from serving_model.learning.fitted_model import FittedModel, fit_model
from serving_model.learning.fitting import FitSettings
from serving_model.learning.labelled_examples import Snapshots, load_snapshots
from serving_model.learning.person_periods import Horizons, choose_horizons
from serving_model.reasons.explainer import Explainer, reason_card
from serving_model.served.band_card import band_card
from serving_model.served.model_card import CardValue, write_card
from serving_model.served.signatures import export_model

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainerSettings:
    """What the pipeline hands to run_fn in `custom_config`.

    Attributes:
        fit: The network and how it is fitted.
        carried_shift: Of the newest window's shift against all of training, the share that
            is expected to last, in [0, 1].
        horizon_days: The label's horizon, that of churn_probability.
        churn_horizons: Days for which probabilities are wished beside it.
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


def run_fn(fn_args: Any) -> None:
    """Fits the churn model on the train split and exports it.

    Args:
        fn_args: TFX's FnArgs. Read are train_files (patterns of raw, gzipped snapshots),
            transform_output, serving_model_dir and custom_config (see TrainerSettings).

    Raises:
        ValueError: If a setting is missing, or the snapshots are none or of one class.
    """
    settings = TrainerSettings.from_custom_config(fn_args.custom_config)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    snapshots = load_snapshots(fn_args.train_files, transform)
    _refuse_one_class(snapshots)
    fitted = fit_snapshots(snapshots, settings)
    model, asked = fitted.served(), fitted.horizons.asked
    explainer = Explainer(model, snapshots.features, asked, settings.critical_priority)
    export_model(model, asked, transform, fn_args.serving_model_dir, explainer)
    newest = snapshots.features[snapshots.cutoffs == snapshots.cutoffs.max()]
    calibrated = float(np.mean(model(newest, training=False)[:, asked]))
    found = {**_found(snapshots, fitted), **reason_card()}
    found |= band_card(settings.model_card, calibrated)
    write_card(fn_args.serving_model_dir, {**settings.model_card, **found})


def fit_snapshots(snapshots: Snapshots, settings: TrainerSettings) -> FittedModel:
    """Fits the model as run_fn does.

    Args:
        snapshots: All training snapshots, of both classes.
        settings: Of the training run.
    """
    horizons = horizons_of(snapshots, settings)
    if horizons.dropped:
        _log.warning("Horizons not learnt: %s.", horizons.dropped)
    return fit_model(snapshots, horizons, settings.fit, settings.carried_shift)


def horizons_of(snapshots: Snapshots, settings: TrainerSettings) -> Horizons:
    """Returns the horizons that a model of the snapshots answers for."""
    label_source = str(settings.model_card.get("label_source", ""))
    return choose_horizons(snapshots, settings.churn_horizons, settings.horizon_days, label_source)


def _refuse_one_class(snapshots: Snapshots) -> None:
    churned = int(snapshots.labels.sum(dtype="float64"))
    if 0 < churned < len(snapshots.labels):
        return
    raise ValueError(
        f"All {len(snapshots.labels)} training snapshots have label {int(churned > 0)}: there is "
        "nothing to tell apart. Train on a longer history, or check where the label comes from."
    )


def _found(snapshots: Snapshots, fitted: FittedModel) -> dict[str, CardValue]:
    return {
        "trained_snapshots": len(snapshots.labels),
        "trained_base_rate": snapshots.base_rate,
        "churn_horizons": ",".join(map(str, fitted.horizons.days)),
        "dropped_horizons": fitted.horizons.dropped,
        **fitted.facts(),
    }
