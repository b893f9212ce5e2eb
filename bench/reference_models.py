"""What the pipeline's model is measured against, on the very same examples."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

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
    "bagging_freq": 1, "lambda_l2": 5.0, "verbosity": -1, "seed": 1, "num_threads": 1,
    "deterministic": True,
}  # fmt: skip
"""On one thread: on cores that others use too, two wait for each other."""
MOST_TREES = 2000
PATIENCE = 50
"""Trees without a gain before it is stopped."""


def reference_models(
    training: LabelledExamples, testing: LabelledExamples
) -> dict[str, Callable[[], Floats]]:
    """Returns what trains each reference model and scores the test examples.

    What it leaves open (penalty, number of trees) is chosen on the folds on which the
    pipeline's model chooses: newer cutoffs of other accounts, never the test. On
    examples of the same accounts, whose label windows overlap, LightGBM would not stop.

    Returns:
        By the name of the reference model, what returns its probabilities of churn, float64
        [test accounts].
    """
    folds = list(choosing_folds(training))
    everything = np.arange(training.features.shape[1])
    recency = np.array([feature_names().index("since_last")])
    return {
        "constant": lambda: np.full(len(testing.labels), training.base_rate),
        "recency": partial(_logistic, training, testing, folds, recency),
        "logistic regression": partial(_logistic, training, testing, folds, everything),
        "LightGBM": partial(_lightgbm, training, testing, folds),
    }


def _logistic(
    training: LabelledExamples, testing: LabelledExamples, folds: Sequence[Fold], columns: Integers
) -> Floats:
    # Each strength begins at the coefficients of the one before it.
    regression = partial(LogisticRegression, max_iter=300, solver="newton-cholesky")
    models = [regression(warm_start=True) for _ in folds]

    def answers(
        model: LogisticRegression, fit: LabelledExamples, asked: LabelledExamples, strength: float
    ) -> Floats:
        model.set_params(C=strength)
        # In float32 the line search of the solver ends too early.
        with threadpool_limits(limits=1, user_api="blas"):
            model.fit(fit.features[:, columns].astype(np.float64), fit.labels)
        return np.asarray(model.predict_proba(asked.features[:, columns])[:, 1])

    labels = np.concatenate([fold.measured.labels for fold in folds])
    losses: dict[float, float] = {}
    for strength in STRENGTHS:
        pairs = zip(models, folds, strict=True)
        found = [answers(model, fold.fit, fold.measured, strength) for model, fold in pairs]
        losses[strength] = log_loss(labels, np.concatenate(found))
        if losses[strength] > min(losses.values()) + WORSE:
            break
    return answers(regression(), training, testing, min(losses, key=losses.__getitem__))


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
