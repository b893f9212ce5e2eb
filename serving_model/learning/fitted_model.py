"""Fits the whole model on labelled examples: what is chosen first, then both parts on all."""

import functools
from typing import Any, NamedTuple

import keras
import numpy as np

from serving_model.learning.calibration import Blend, fit_intercept
from serving_model.learning.choosing import Choice, decide, fit_fold
from serving_model.learning.churn_model import churn_model
from serving_model.learning.fitting import FitSettings, fit_network, network_log_odds
from serving_model.learning.folds import choosing_folds
from serving_model.learning.labelled_examples import LabelledExamples
from serving_model.learning.linear_hazards import LinearHazards, fit_linear
from serving_model.learning.network import Network
from serving_model.learning.person_periods import Horizons, PersonPeriods, person_periods
from serving_model.learning.side_by_side import side_by_side
from serving_model.learning.trees import Trees, fit_trees, log_odds_of
from serving_model.served.model_card import CardValue


class FittedModel(NamedTuple):
    """A model, and how it came about."""

    horizons: Horizons
    choice: Choice
    blend: Blend
    """As it is served, with its intercept."""
    linear: LinearHazards
    network: Network | None
    trees: Trees | None
    newest_shift: float
    """By how much the newest cutoff's log-odds lie off those of all training cutoffs."""

    def served(self) -> keras.Model:
        """Returns the model of `features` [batch, columns] to probabilities [batch, K]."""
        width = self.linear.weights.shape[0]
        return churn_model(width, self.linear, self.network, self.blend, self.trees)

    def facts(self) -> dict[str, CardValue]:
        """Returns what fitting found, for the model card."""
        return {
            "linear_strengths": ",".join(map(str, self.choice.strengths)),
            "linear_weight": self.blend.linear,
            "network_weight": self.blend.network,
            "trees": self.choice.trees,
            "trees_weight": self.blend.trees,
            "calibration_intercept": self.blend.intercept,
            "newest_shift": self.newest_shift,
            "held_back_examples": self.choice.examples,
            "held_back_log_loss": self.choice.log_loss,
            "held_back_linear_log_loss": self.choice.linear_log_loss,
        }


def fit_model(
    examples: LabelledExamples, horizons: Horizons, settings: FitSettings, carried_shift: float
) -> FittedModel:
    """Fits linear part, network, trees and how they are put together.

    Probabilities agree in the mean with the rate over all training cutoffs; and, as far as
    its shift is expected to last, with that of the newest one, whose label window closed on
    or before the evaluation cutoff.

    Args:
        examples: All training examples, of both classes.
        horizons: What the model answers for.
        settings: How the network is fitted.
        carried_shift: Share of the newest cutoff's shift that is expected to last, [0, 1].
    """
    periods = person_periods(examples, horizons.days)
    network, grown, choice = _parts_and_choice(examples, periods, horizons, settings)
    trees = grown.first(choice.trees) if grown is not None and choice.trees else None
    linear = fit_linear(examples.features, periods, choice.strengths)
    log_odds = choice.blend.log_odds(
        linear.log_odds(examples.features),
        None if network is None else network_log_odds(network, examples.features),
        None if trees is None else log_odds_of(trees, examples.features),
    )[:, : horizons.target + 1]
    labels = examples.labels.astype(np.float64)
    overall = fit_intercept(labels, log_odds)
    newest = examples.cutoffs == examples.cutoffs.max()
    shift = fit_intercept(labels[newest], log_odds[newest]) - overall
    blend = choice.blend._replace(intercept=overall + carried_shift * shift)
    return FittedModel(horizons, choice, blend, linear, network, trees, shift)


def _parts_and_choice(
    examples: LabelledExamples, periods: PersonPeriods, horizons: Horizons, settings: FitSettings
) -> tuple[Network | None, Trees | None, Choice]:
    """Fits network and trees on all examples beside what is fitted on folds to choose by."""
    whole = functools.partial(fit_network, examples.features, periods, settings)
    grown = functools.partial(_all_trees, examples, periods, settings)
    folds = [
        functools.partial(fit_fold, fold, horizons, settings) for fold in choosing_folds(examples)
    ]
    found: list[Any] = side_by_side([whole, *folds, grown])
    return found[0], found[-1], decide(found[1:-1])


def _all_trees(
    examples: LabelledExamples, periods: PersonPeriods, settings: FitSettings
) -> Trees | None:
    if not settings.network.hidden_units:
        return None
    return fit_trees(examples.features, examples.labels, periods, settings.seed)
