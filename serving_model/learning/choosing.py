"""Chooses, on examples that were held back, what fitting leaves open."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np

from serving_model.evaluation.metrics import log_loss
from serving_model.learning.calibration import Blend, churned_within, fit_intercept, fit_weights
from serving_model.learning.fitting import FitSettings, fit_network, network_log_odds
from serving_model.learning.folds import Fold, choosing_folds
from serving_model.learning.labelled_examples import LabelledExamples
from serving_model.learning.linear_hazards import REGULARIZATION_STRENGTHS, fit_linear
from serving_model.learning.person_periods import Horizons, person_periods
from transforms.arrays import Floats

EARLY_STOP_TOLERANCE: Final = 1e-3
"""Log-loss above the best so far at which no weaker penalty is tried."""
FOLD_EPOCH_FACTOR: Final = 2
"""Epochs on a fold for each epoch on all examples. A fold fits about half of them, and has to take
as many steps: a network of fewer steps is less confident than the one that is served, and its
weight would be too large."""
TIE_TOLERANCE: Final = 5e-4
"""Log-loss above the best up to which penalties count as tied: the held-back examples cannot
distinguish them, and their mean varies less than any one of them."""


class Choice(NamedTuple):
    """What was chosen, and what it was worth on the examples held back."""

    strengths: tuple[float, ...]
    """Of the linear part's penalties, scikit-learn's C; the part is the mean of these."""
    blend: Blend
    """The weights of both parts; its intercept is still 0."""
    linear_log_loss: float
    """Of the linear part alone."""
    log_loss: float
    """Of the blend."""
    examples: int
    """How many were held back."""


class _HeldBack(NamedTuple):
    labels: Floats
    linear: dict[float, Floats]
    """By strength, log-odds of hazards, [n, periods up to the target horizon]."""
    network: Floats | None


def choose(examples: LabelledExamples, horizons: Horizons, settings: FitSettings) -> Choice:
    """Chooses penalties and weights by the log-loss of churn_probability.

    Args:
        examples: All training examples; the evaluation set is none of them.
        horizons: What the model answers for; churn_probability decides.
        settings: How the network is fitted.
    """
    return choose_on(choosing_folds(examples), horizons, settings)


def choose_on(folds: Iterable[Fold], horizons: Horizons, settings: FitSettings) -> Choice:
    """Chooses as `choose` does, on other folds.

    Args:
        folds: What is measured in each holds both outcomes.
        horizons: What the model answers for; churn_probability decides.
        settings: How the network is fitted.
    """
    days = horizons.days[: horizons.target + 1]
    parts = [_fitted(fold, days, settings) for fold in folds]
    tried = [one for one in REGULARIZATION_STRENGTHS if all(one in part.linear for part in parts)]
    labels = np.concatenate([part.labels for part in parts])
    linear = {one: np.concatenate([part.linear[one] for part in parts]) for one in tried}
    losses = {one: _loss(labels, linear[one]) for one in tried}
    chosen = tuple(one for one in tried if losses[one] <= min(losses.values()) + TIE_TOLERANCE)
    mean = np.mean([linear[one] for one in chosen], axis=0)
    networks = [part.network for part in parts if part.network is not None]
    network = np.concatenate(networks) if networks else None
    blend = fit_weights(labels, mean, network)
    blended = blend.log_odds(mean, network)
    return Choice(chosen, blend, _loss(labels, mean), _loss(labels, blended), len(labels))


def _fitted(fold: Fold, days: tuple[int, ...], settings: FitSettings) -> _HeldBack:
    periods = person_periods(fold.fit, days)
    longer = dataclasses.replace(settings, epochs=FOLD_EPOCH_FACTOR * settings.epochs)
    network = fit_network(fold.fit.features, periods, longer)
    return _HeldBack(
        labels=fold.measured.labels.astype(np.float64),
        linear=dict(_linear_path(fold, days)),
        network=None if network is None else network_log_odds(network, fold.measured.features),
    )


def _linear_path(fold: Fold, days: tuple[int, ...]) -> Iterator[tuple[float, Floats]]:
    """Yields strength and log-odds, until weaker penalties do harm."""
    periods = person_periods(fold.fit, days)
    best = np.inf
    for strength in REGULARIZATION_STRENGTHS:
        linear = fit_linear(fold.fit.features, periods, [strength])
        found = linear.log_odds(fold.measured.features)
        yield strength, found
        loss = _loss(fold.measured.labels.astype(np.float64), found)
        best = min(best, loss)
        if loss > best + EARLY_STOP_TOLERANCE:
            return


def _loss(labels: Floats, log_odds: Floats) -> float:
    """Log-loss once the mean is right: the intercept is found by other means."""
    shifted = log_odds + fit_intercept(labels, log_odds)
    return log_loss(labels, churned_within(shifted)[:, -1])
