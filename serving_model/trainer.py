"""run_fn: what the TFX Trainer calls to fit and export the churn model."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import numpy as np
import tensorflow_transform as tft

from serving_model.band_card import band_card
from serving_model.calibration import (
    Recalibration,
    fit_intercept,
    fit_slope,
    recalibrated_model,
)
from serving_model.churn_model import NetworkShape, probability_model
from serving_model.explainer import Explainer, reason_card
from serving_model.fitting import Fit, FitSettings, Stopping, best_epochs, fit_all
from serving_model.model_card import CardValue, write_card
from serving_model.signatures import export_model
from serving_model.snapshots import Snapshots, load_snapshots
from serving_model.time_split import TimeSplit, newest_rows, split_by_time

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainerSettings:
    """What the pipeline hands to run_fn in `custom_config`.

    Attributes:
        fit: The network and how it is fitted.
        validation_days: Length of a label window: cutoffs whose windows were still open
            at the newer ones are left out while the number of epochs is looked for.
        model_card: Written beside the model, with what training found added.
    """

    fit: FitSettings
    validation_days: int
    model_card: Mapping[str, CardValue]

    @classmethod
    def from_custom_config(cls, config: Mapping[str, Any]) -> "TrainerSettings":
        """Reads the settings from plain values, as they come back from JSON.

        Args:
            config: seed, max_epochs, batch_size, learning_rate, l2, dropout,
                hidden_units, validation_days, model_card; members may be absent.

        Raises:
            ValueError: If one of them is missing.
        """
        try:
            network = NetworkShape(
                hidden_units=tuple(int(units) for units in config["hidden_units"]),
                l2=float(config["l2"]),
                dropout=float(config["dropout"]),
                members=int(config.get("members", 3)),
            )
            fit = FitSettings(
                network=network,
                seed=int(config["seed"]),
                batch_size=int(config["batch_size"]),
                learning_rate=float(config["learning_rate"]),
                max_epochs=int(config["max_epochs"]),
            )
            return cls(fit, int(config["validation_days"]), dict(config["model_card"]))
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
    split = split_by_time(snapshots, settings.validation_days)
    stopping = best_epochs(snapshots, split.fit, split.stop, settings.fit)
    _log.info("Best epochs: %d, log-loss %.5f.", stopping.epochs, stopping.log_loss)
    fit = fit_all(snapshots, stopping.epochs, settings.fit)
    recalibration = recalibrate(snapshots, split, stopping, fit)
    model = recalibrated_model(probability_model(fit.logits), recalibration)
    explainer = Explainer(model, snapshots.features)
    export_model(model, transform, fn_args.serving_model_dir, explainer)
    found = {**_found(snapshots, stopping, split.how, recalibration), **reason_card()}
    calibrated = recalibration.apply(fit.probabilities(newest_rows(snapshots)))
    found |= band_card(settings.model_card, float(calibrated.mean()))
    write_card(fn_args.serving_model_dir, {**settings.model_card, **found})


def recalibrate(
    snapshots: Snapshots, split: TimeSplit, stopping: Stopping, fit: Fit
) -> Recalibration:
    """Fits the map that the served model ends with, on the newest training cutoffs.

    Their label windows close on or before the evaluation cutoff, whose snapshot is never
    looked at. The slope comes from answers on snapshots that were held back; the
    intercept brings the mean of the final network, which was fitted on all of them,
    towards the rate of the newest cutoff alone, as far as its shift is expected to last.
    """
    labels = snapshots.labels.astype(np.float64)
    slope = fit_slope(labels[split.stop], stopping.probabilities)
    newest = newest_rows(snapshots)
    intercept = fit_intercept(labels[newest], fit.probabilities(newest), slope)
    return Recalibration(slope, intercept)


def _refuse_one_class(snapshots: Snapshots) -> None:
    churned = int(snapshots.labels.sum(dtype="float64"))
    if 0 < churned < len(snapshots.labels):
        return
    raise ValueError(
        f"All {len(snapshots.labels)} training snapshots have label {int(churned > 0)}: there is "
        "nothing to tell apart. Train on a longer history, or check where the label comes from."
    )


def _found(
    snapshots: Snapshots, stopping: Stopping, how: str, recalibration: Recalibration
) -> dict[str, CardValue]:
    window = datetime.fromtimestamp(int(snapshots.cutoffs.max()), timezone.utc)
    return {
        "trained_snapshots": len(snapshots.labels),
        "trained_base_rate": snapshots.base_rate,
        "trained_epochs": stopping.epochs,
        "stopping_log_loss": stopping.log_loss,
        "stopping_snapshots": how,
        "calibration_slope": recalibration.slope,
        "calibration_intercept": recalibration.intercept,
        "calibration_cutoff": window.isoformat(),
        "calibration_snapshots": len(newest_rows(snapshots)),
    }
