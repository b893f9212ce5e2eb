"""What the pipeline's model is measured against, on the very same examples."""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression

from serving_model.evaluation.metrics import log_loss
from serving_model.learning.folds import Fold, choosing_folds
from serving_model.learning.labelled_examples import LabelledExamples
from transforms.account_features import feature_names
from transforms.arrays import Floats, Integers

STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
WORSE = 1e-3
"""Log-loss over the best so far at which no weaker penalty is tried."""
LIGHTGBM = {
    "objective": "binary", "learning_rate": 0.03, "num_leaves": 15,
    "min_data_in_leaf": 40, "feature_fraction": 0.5, "bagging_fraction": 0.8,
    "bagging_freq": 1, "lambda_l2": 5.0, "verbosity": -1, "seed": 1, "num_threads": 2,
    "deterministic": True,
}  # fmt: skip
MOST_TREES = 2000
PATIENCE = 50
"""Trees without a gain before it is stopped."""


def reference_probabilities(
    training: LabelledExamples, testing: LabelledExamples
) -> dict[str, Floats]:
    """Trains each reference model and scores the test examples.

    What it leaves open (penalty, number of trees) is chosen on the folds on which the
    pipeline's model chooses: newer cutoffs of other accounts, never the test. On
    examples of the same accounts, whose label windows overlap, LightGBM would not stop.

    Returns:
        Probabilities of churn, float64 [test accounts], by the name of the reference model.
    """
    folds = list(choosing_folds(training))
    everything = np.arange(training.features.shape[1])
    recency = np.array([feature_names().index("since_last")])
    return {
        "constant": np.full(len(testing.labels), training.base_rate),
        "recency": _logistic(training, testing, folds, recency),
        "logistic regression": _logistic(training, testing, folds, everything),
        "LightGBM": _lightgbm(training, testing, folds),
    }


def _logistic(
    training: LabelledExamples, testing: LabelledExamples, folds: Sequence[Fold], columns: Integers
) -> Floats:
    def answers(fit: LabelledExamples, asked: LabelledExamples, strength: float) -> Floats:
        model = LogisticRegression(C=strength, max_iter=300, solver="newton-cholesky")
        # In float32 the line search of the solver ends too early.
        model.fit(fit.features[:, columns].astype(np.float64), fit.labels)
        return model.predict_proba(asked.features[:, columns])[:, 1]

    labels = np.concatenate([fold.measured.labels for fold in folds])
    losses: dict[float, float] = {}
    for strength in STRENGTHS:
        found = [answers(fold.fit, fold.measured, strength) for fold in folds]
        losses[strength] = log_loss(labels, np.concatenate(found))
        if losses[strength] > min(losses.values()) + WORSE:
            break
    return answers(training, testing, min(losses, key=losses.__getitem__))


def _lightgbm(
    training: LabelledExamples, testing: LabelledExamples, folds: Sequence[Fold]
) -> Floats:
    import lightgbm

    def trees(fold: Fold) -> int:
        stopped = lightgbm.train(
            LIGHTGBM,
            lightgbm.Dataset(fold.fit.features, fold.fit.labels),
            MOST_TREES,
            valid_sets=[lightgbm.Dataset(fold.measured.features, fold.measured.labels)],
            callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
        )
        return stopped.best_iteration

    whole = lightgbm.Dataset(training.features, training.labels)
    model = lightgbm.train(LIGHTGBM, whole, round(np.mean([trees(fold) for fold in folds])))
    return np.asarray(model.predict(testing.features), dtype=np.float64)
