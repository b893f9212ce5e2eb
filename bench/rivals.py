"""What the pipeline's model is measured against, on the very same snapshots."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from pipeline.demo.world_model import Floats
from serving_model.snapshots import Snapshots
from transforms.account_features import feature_names

STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def rival_probabilities(training: Snapshots, testing: Snapshots) -> dict[str, Floats]:
    """Trains each rival and scores the test snapshots.

    What a rival leaves open (penalty, number of trees) is chosen on the newest training
    cutoff, never on the test.

    Returns:
        Probabilities of churn, float64 [test accounts], by the rival's name.
    """
    newest = training.cutoffs == training.cutoffs.max()
    recency = [feature_names().index("since_last")]
    return {
        "constant": np.full(len(testing.labels), training.base_rate),
        "recency": _logistic(training, testing, newest, recency),
        "logistic regression": _logistic(training, testing, newest, slice(None)),
        "LightGBM": _lightgbm(training, testing, newest),
    }


def _logistic(training: Snapshots, testing: Snapshots, newest, columns) -> Floats:
    def fitted(rows, strength):
        model = LogisticRegression(C=strength, max_iter=300, solver="newton-cholesky")
        return model.fit(training.features[rows][:, columns], training.labels[rows])

    def loss(strength):
        model = fitted(~newest, strength)
        found = model.predict_proba(training.features[newest][:, columns])[:, 1]
        return _log_loss(training.labels[newest], found)

    best = min(STRENGTHS, key=loss)
    rows = np.ones(len(newest), dtype=bool)
    return fitted(rows, best).predict_proba(testing.features[:, columns])[:, 1]


def _lightgbm(training: Snapshots, testing: Snapshots, newest) -> Floats:
    import lightgbm

    parameters = {
        "objective": "binary", "learning_rate": 0.03, "num_leaves": 15,
        "min_data_in_leaf": 40, "feature_fraction": 0.5, "bagging_fraction": 0.8,
        "bagging_freq": 1, "lambda_l2": 5.0, "verbosity": -1, "seed": 1, "num_threads": 2,
        "deterministic": True,
    }  # fmt: skip
    stop = [lightgbm.early_stopping(50, verbose=False)]
    search = lightgbm.train(
        parameters,
        lightgbm.Dataset(training.features[~newest], training.labels[~newest]),
        2000,
        valid_sets=[lightgbm.Dataset(training.features[newest], training.labels[newest])],
        callbacks=stop,
    )
    whole = lightgbm.Dataset(training.features, training.labels)
    model = lightgbm.train(parameters, whole, max(20, search.best_iteration))
    return model.predict(testing.features)


def _log_loss(labels: Floats, found: Floats) -> float:
    return float(-np.mean(np.log(np.where(labels == 1, found, 1 - found))))
