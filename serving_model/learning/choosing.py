"""Chooses, on examples that were held back, what fitting leaves open."""

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from serving_model.evaluation.metrics import log_loss
from serving_model.learning.calibration import Blend, churned_within, fit_intercept, fit_weights
from serving_model.learning.fitting import FitSettings, fit_network, network_log_odds
from serving_model.learning.folds import Fold
from serving_model.learning.linear_hazards import REGULARIZATION_STRENGTHS, linear_path
from serving_model.learning.person_periods import Horizons, PersonPeriods, person_periods
from serving_model.learning.side_by_side import side_by_side
from serving_model.learning.trees import fit_trees, log_odds_by_count
from transforms.arrays import Floats

EARLY_STOP_TOLERANCE: Final = 1e-3
"""Log-loss above the best so far at which no weaker penalty is tried."""
FOLD_EPOCH_FACTOR: Final = 2
"""Epochs on a fold for each epoch on all examples. A fold fits about half of them, and has to take
as many steps: a network of fewer steps is less confident than the one that is served, and its
weight would be too large."""
FOLD_MEMBERS: Final = 2
"""Of the network on a fold, at most: one for each resolution. It is there to be weighed; what is
served is the mean of more. The time that this saves is what the trees take."""
TIE_TOLERANCE: Final = 5e-4
"""Log-loss above the best up to which penalties count as tied: the held-back examples cannot
distinguish them, and their mean varies less than any one of them."""


class Choice(NamedTuple):
    """What was chosen, and what it was worth on the examples held back."""

    strengths: tuple[float, ...]
    """Of the linear part's penalties, scikit-learn's C; the part is the mean of these."""
    trees: int
    """How many trees count; 0 where there is no network to correct either."""
    blend: Blend
    """The weights of all parts; its intercept is still 0."""
    linear_log_loss: float
    """Of the linear part alone."""
    log_loss: float
    """Of the blend."""
    examples: int
    """How many were held back."""


class HeldBack(NamedTuple):
    """What the fits of a fold find on its n examples that none of them saw."""

    labels: Floats
    linear: dict[float, Floats]
    """By strength, log-odds of hazards, [n, periods up to the target horizon]."""
    network: Floats | None
    trees: dict[int, Floats]
    """By number of trees, the same; empty without a network."""


def choose_on(folds: Iterable[Fold], horizons: Horizons, settings: FitSettings) -> Choice:
    """Chooses penalties, number of trees and weights by the log-loss of churn_probability.

    Args:
        folds: What is measured in each holds both outcomes.
        horizons: What the model answers for; churn_probability decides.
        settings: How the network is fitted.
    """
    return decide(side_by_side([functools.partial(fit_fold, f, horizons, settings) for f in folds]))


def fit_fold(fold: Fold, horizons: Horizons, settings: FitSettings) -> HeldBack:
    """Fits all parts on a fold, and says what they find on what it measures."""
    days = horizons.days[: horizons.target + 1]
    periods = person_periods(fold.fit, days)
    shape = settings.network
    fewer = dataclasses.replace(shape, members=min(shape.members, FOLD_MEMBERS))
    epochs = FOLD_EPOCH_FACTOR * settings.epochs
    longer = dataclasses.replace(settings, network=fewer, epochs=epochs)
    linear = dict(_linear_path(fold, periods))
    network = fit_network(fold.fit.features, periods, longer)
    trees: dict[int, Floats] = {}
    if network is not None:
        fitted = fit_trees(fold.fit.features, fold.fit.labels, periods, settings.seed)
        trees = log_odds_by_count(fitted, fold.measured.features)
    return HeldBack(
        labels=fold.measured.labels.astype(np.float64),
        linear=linear,
        network=None if network is None else network_log_odds(network, fold.measured.features),
        trees=trees,
    )


def decide(parts: Sequence[HeldBack]) -> Choice:
    """Chooses by what was found on all folds."""
    tried = [one for one in REGULARIZATION_STRENGTHS if all(one in part.linear for part in parts)]
    labels = np.concatenate([part.labels for part in parts])
    linear = {one: np.concatenate([part.linear[one] for part in parts]) for one in tried}
    losses = {one: _loss(labels, linear[one]) for one in tried}
    chosen = tuple(one for one in tried if losses[one] <= min(losses.values()) + TIE_TOLERANCE)
    mean = np.mean([linear[one] for one in chosen], axis=0)
    networks = [part.network for part in parts if part.network is not None]
    network = np.concatenate(networks) if networks else None
    count, trees = _best_count(labels, parts)
    blend = fit_weights(labels, mean, network, trees)
    blended = blend.log_odds(mean, network, trees)
    return Choice(chosen, count, blend, _loss(labels, mean), _loss(labels, blended), len(labels))


def _best_count(labels: Floats, parts: Sequence[HeldBack]) -> tuple[int, Floats | None]:
    """Returns the number of trees of the least log-loss, and their log-odds."""
    counts = parts[0].trees
    found = {one: np.concatenate([part.trees[one] for part in parts]) for one in counts}
    if not found:
        return 0, None
    best = min(found, key=lambda count: _loss(labels, found[count]))
    return best, found[best]


def _linear_path(fold: Fold, periods: PersonPeriods) -> Iterator[tuple[float, Floats]]:
    """Yields strength and log-odds, until weaker penalties do harm."""
    best = np.inf
    path = linear_path(fold.fit.features, periods, REGULARIZATION_STRENGTHS)
    for strength, linear in zip(REGULARIZATION_STRENGTHS, path, strict=True):
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
