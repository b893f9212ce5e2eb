"""run_fn: what the TFX Trainer calls to fit and export the churn model."""

import logging
from typing import Any, Final

import numpy as np
import tensorflow_transform as tft

from serving_model.learning.fitted_model import FittedModel, fit_model
from serving_model.learning.labelled_examples import LabelledExamples, load_examples
from serving_model.learning.learner import LearnedModel, Learner, TrainerSettings
from serving_model.learning.person_periods import Horizons, choose_horizons
from serving_model.reasons.explainer import Explainer, reason_card
from serving_model.served.model_card import CardValue, write_card
from serving_model.served.risk_bands import band_card
from serving_model.served.signatures import export_model
from serving_model.served.warmup import write_warmup

_log = logging.getLogger(__name__)


def run_fn(fn_args: Any) -> None:
    """Fits the churn model on the train split and exports it.

    Args:
        fn_args: TFX's FnArgs. Read are train_files (patterns of raw, gzipped examples),
            transform_output, serving_model_dir and custom_config (see TrainerSettings).

    Raises:
        ValueError: If a setting is missing, or the examples are none or of one class.
    """
    settings = TrainerSettings.from_custom_config(fn_args.custom_config)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    examples = load_examples(fn_args.train_files, transform)
    _refuse_one_class(examples)
    fitted = LEARNER(examples, settings)
    model, target = fitted.served(), fitted.horizons.target
    explainer = Explainer(model, examples.features, target, settings.critical_priority)
    export_model(model, target, transform, fn_args.serving_model_dir, explainer)
    newest = examples.features[examples.cutoffs == examples.cutoffs.max()]
    probabilities = np.asarray(model(newest, training=False)[:, target])
    found = {**_found(examples, fitted), **reason_card()}
    found |= band_card(settings.model_card, probabilities)
    write_card(fn_args.serving_model_dir, {**settings.model_card, **found})
    write_warmup(fn_args.serving_model_dir)


def fit_examples(examples: LabelledExamples, settings: TrainerSettings) -> FittedModel:
    """Fits the model as run_fn does.

    Args:
        examples: All training examples, of both classes.
        settings: Of the training run.
    """
    horizons = horizons_of(examples, settings)
    if horizons.dropped:
        _log.warning("Horizons not learnt: %s.", horizons.dropped)
    return fit_model(examples, horizons, settings.fit, settings.carried_shift)


def horizons_of(examples: LabelledExamples, settings: TrainerSettings) -> Horizons:
    """Returns the horizons that a model of the examples answers for."""
    label_source = str(settings.model_card.get("label_source", ""))
    return choose_horizons(examples, settings.churn_horizons, settings.horizon_days, label_source)


def _refuse_one_class(examples: LabelledExamples) -> None:
    churned = int(examples.labels.sum(dtype="float64"))
    if 0 < churned < len(examples.labels):
        return
    raise ValueError(
        f"All {len(examples.labels)} training examples have label {int(churned > 0)}: there is "
        "nothing to tell apart. Train on a longer history, or check where the label comes from."
    )


def _found(examples: LabelledExamples, fitted: LearnedModel) -> dict[str, CardValue]:
    return {
        "trained_examples": len(examples.labels),
        "trained_base_rate": examples.base_rate,
        "churn_horizons": ",".join(map(str, fitted.horizons.days)),
        "dropped_horizons": fitted.horizons.dropped,
        **fitted.facts(),
    }


LEARNER: Final[Learner] = fit_examples
"""The learner of the pipeline."""
