"""Three simple models that a network has to be worth its trouble beside."""

import gc
import warnings
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from serving_model.evaluation.metrics import log_loss
from serving_model.evaluation.ranking import CONSTANT, LOGISTIC_REGRESSION, RECENCY
from serving_model.learning.blas import keep_blas_to_one_thread
from serving_model.learning.time_split import TimeSplit
from transforms.arrays import Floats

STRENGTHS: Final = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1)
"""scikit-learn's C, the inverse of the L2 penalty, weakest weights first."""
_MOST_STEPS: Final = 300


class Baselines(NamedTuple):
    """What is fitted on the training examples."""

    base_rate: float
    recency: Any
    logistic_regression: LogisticRegression
    strength: float
    """The C that the newest training cutoffs chose."""

    def probabilities(
        self, features: NDArray[np.float32], silence_days: NDArray[np.floating[Any]]
    ) -> Mapping[str, Floats]:
        """Scores examples.

        Args:
            features: [n, columns].
            silence_days: Days since the last event, [n].

        Returns:
            By CONSTANT, RECENCY and LOGISTIC_REGRESSION, probabilities [n].
        """
        return {
            CONSTANT: np.full(len(features), self.base_rate),
            RECENCY: _probability(self.recency, _recency(silence_days)),
            LOGISTIC_REGRESSION: _probability(self.logistic_regression, features),
        }


def fit_baselines(
    features: NDArray[np.float32],
    silence_days: NDArray[np.floating[Any]],
    labels: NDArray[np.float32],
    split: TimeSplit,
) -> Baselines:
    """Fits the constant, recency alone, and logistic regression with an L2 penalty.

    On one thread: sums over several would depend on their number, and they wait for each other.

    Args:
        features: Transformed features of the training examples, [n, columns].
        silence_days: Days since the last event, [n].
        labels: 0 or 1, [n], both of them there.
        split: The trainer's: the penalty is the one with the lowest log-loss on the
            newest cutoffs; all examples are fitted with it then.
    """
    keep_blas_to_one_thread()
    with threadpool_limits(limits=1, user_api="openmp"):
        strength = _best_strength(features, labels, split)
        _release()
        recency = make_pipeline(StandardScaler(), LogisticRegression(C=np.inf, tol=1e-6))
        fitted = Baselines(
            base_rate=float(labels.mean(dtype=np.float64)),
            recency=recency.fit(_recency(silence_days), labels),
            logistic_regression=_regression(strength).fit(features, labels),
            strength=strength,
        )
    _release()
    return fitted


def _best_strength(
    features: NDArray[np.float32], labels: NDArray[np.float32], split: TimeSplit
) -> float:
    if len(np.unique(labels[split.fit])) < 2:
        return STRENGTHS[0]
    # In float64, as scikit-learn would copy it for each strength.
    fitted, truth = features[split.fit].astype(np.float64), labels[split.fit]
    newest = features[split.stop]
    losses = []
    model = _regression(STRENGTHS[0], warm_start=True)
    for strength in STRENGTHS:
        # Each starts from the weights of the one before, which saves most of the steps.
        model.set_params(C=strength)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(fitted, truth)
        losses.append(log_loss(labels[split.stop], _probability(model, newest)))
        if losses[-1] > min(losses) + 1e-3:
            break
    return STRENGTHS[int(np.argmin(losses))]


def _release() -> None:
    """Frees the features that were fitted: SciPy's minimiser refers to them in a circle."""
    gc.collect()


def _regression(strength: float, **options: Any) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=_MOST_STEPS, tol=1e-5, **options)


def _recency(silence_days: NDArray[np.floating[Any]]) -> Floats:
    return np.log1p(np.maximum(silence_days.astype(np.float64), 0))[:, None]


def _probability(model: Any, columns: NDArray[Any]) -> Floats:
    return np.asarray(model.predict_proba(columns)[:, 1], dtype=np.float64)
