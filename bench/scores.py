"""What only a simulated world has: the best possible ranking, and the share of it reached."""

import numpy as np

from serving_model.evaluation.metrics import log_loss
from transforms.arrays import Booleans, Floats


def expected_best_auc(probability: Floats) -> float:
    """Returns the AUC that these probabilities have on average if they are true, shape [n]."""
    ordered = np.sort(probability)
    stays_below = np.concatenate([[0.0], np.cumsum(1 - ordered)[:-1]])
    own_pair = (ordered * (1 - ordered)).sum()
    return float((ordered * stays_below).sum() / (ordered.sum() * (1 - ordered).sum() - own_pair))


def constant_log_loss(labels: Floats | Booleans) -> float:
    """Returns the log-loss of giving every account the base rate; labels are 0 or 1, [n]."""
    return log_loss(labels, np.full(len(labels), labels.mean()))


def share_of_reachable(labels: Floats | Booleans, model: Floats, limit: Floats) -> float:
    """Returns how much of the limit's gain in log-loss over the base rate a model has.

    Args:
        labels: 0 or 1, [n].
        model: The model's probabilities, [n].
        limit: The best possible probabilities, [n].
    """
    constant = constant_log_loss(labels)
    return (constant - log_loss(labels, model)) / (constant - log_loss(labels, limit))
