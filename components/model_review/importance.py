"""What the challenger loses where it cannot tell accounts apart by a reason group."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.model_gate.snapshots import EvalSnapshots
from components.model_review.account_sections import Importance
from components.model_review.missing import SectionMissing
from components.model_review.quality import refuse_one_class
from components.model_review.quality_sections import Estimate
from serving_model.evaluation.metrics import auc, log_loss
from serving_model.reasons.group_words import group_words
from serving_model.served.predict import ModelScorer
from transforms.arrays import Floats
from transforms.reason_groups import feature_groups, group_names

SHUFFLES: Final = 3
SEED: Final = 0
MOST_ACCOUNTS: Final = 16_000
"""Of a larger evaluation snapshot a fixed random sample is shuffled."""


def importance_of(
    scorer: ModelScorer, snapshots: EvalSnapshots, most: int = MOST_ACCOUNTS
) -> tuple[Importance, ...]:
    """Shuffles each group's columns among the accounts, all of them in one way, and asks again.

    Args:
        scorer: Of the challenger.
        snapshots: The evaluation snapshot, its features by the challenger's Transform graph.
        most: How many accounts to take.

    Returns:
        One for each group, the one with the greatest loss of AUC first.

    Raises:
        SectionMissing: The model reads other features; all accounts left, or none did.
        ValueError: The model was trained before models could be asked about features.
    """
    groups = np.array(feature_groups())
    rows = _sample(len(snapshots.labels), most)
    features, labels = snapshots.features[rows], snapshots.labels[rows]
    refuse_one_class(labels)
    if features.shape[1] != len(groups):
        raise SectionMissing(
            f"The snapshot has {features.shape[1]} features, and {len(groups)} are known."
        )
    whole = _metrics(labels, scorer.score_features(features))
    found = [
        _importance(group, int((groups == group).sum()), len(labels), whole, shuffled)
        for place, group in enumerate(group_names())
        for shuffled in [list(_shuffled(scorer, features, labels, groups == group, place))]
    ]
    return tuple(sorted(found, key=lambda one: (-one.auc_lost.value, one.group)))


def shuffle(accounts: int, group: int, number: int) -> NDArray[np.int64]:
    """Returns whose features each account gets, [accounts]: a fixed random order.

    Args:
        accounts: How many there are.
        group: Place of the group among `group_names()`.
        number: Of the shuffle, from 0.
    """
    return np.random.default_rng((SEED, group, number)).permutation(accounts)


def _sample(accounts: int, most: int) -> NDArray[np.int64]:
    if accounts <= most:
        return np.arange(accounts)
    return np.sort(np.random.default_rng(SEED).choice(accounts, most, replace=False))


def _shuffled(
    scorer: ModelScorer,
    features: NDArray[np.float32],
    labels: Floats,
    columns: NDArray[np.bool_],
    place: int,
) -> Iterator[tuple[float, float]]:
    """Yields AUC and log-loss of each shuffle."""
    for number in range(SHUFFLES):
        changed = features.copy()
        changed[:, columns] = features[shuffle(len(labels), place, number)][:, columns]
        yield _metrics(labels, scorer.score_features(changed))


def _metrics(labels: Floats, probabilities: Floats) -> tuple[float, float]:
    return auc(labels, probabilities), log_loss(labels, probabilities)


def _importance(
    group: str,
    features: int,
    accounts: int,
    whole: tuple[float, float],
    shuffled: list[tuple[float, float]],
) -> Importance:
    areas, losses = np.array(shuffled).T
    return Importance(
        group=group,
        words=group_words(group),
        features=features,
        auc_lost=_mean_and_range(whole[0] - areas),
        log_loss_added=_mean_and_range(losses - whole[1]),
        accounts=accounts,
    )


def _mean_and_range(values: Floats) -> Estimate:
    return Estimate(float(values.mean()), (float(values.min()), float(values.max())))
