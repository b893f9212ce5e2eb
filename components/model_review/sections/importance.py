"""Which reason groups the ranking rests on, and which move today's scores."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.model_gate.evaluation_set import EvaluationSet
from components.model_review.sections.estimates import Estimate, SectionMissing
from components.model_review.sections.performance import refuse_one_class
from serving_model.evaluation.metrics import auc, log_loss
from serving_model.reasons.fact_sentences import group_words
from serving_model.served.predict import ModelScorer
from transforms.arrays import Floats
from transforms.reason_groups import feature_groups, group_names

SHUFFLES: Final = 3
SEED: Final = 0
MOST_ACCOUNTS: Final = 16_000
"""Accounts that are shuffled at most: a fixed random sample of a larger evaluation set."""


@dataclass(frozen=True)
class Importance:
    """What the challenger loses where a reason group's features are shuffled among accounts.

    Permutation importance (Breiman 2001, "Random Forests", section 10) on the evaluation
    set, the mean of several shuffles. The interval is their range.

    Attributes:
        group: One of transforms.reason_groups.group_names.
        words: For people.
        features: How many columns are in it.
        auc_lost: AUC less that of the shuffled.
        log_loss_added: Log-loss of the shuffled less that of all.
        accounts: How many were shuffled: all of the evaluation set, or a fixed random
            sample of a large one.
    """

    group: str
    words: str
    features: int
    auc_lost: Estimate
    log_loss_added: Estimate
    accounts: int = 0


@dataclass(frozen=True)
class Contribution:
    """How a reason group moves the scores of today's accounts, in log-odds of churn.

    Attributes:
        group: One of transforms.reason_groups.group_names.
        words: For people.
        mean_absolute: How far it moves a score, up or down.
        mean: Where it moves scores on the whole.
        raises: Share of the accounts whose risk it raises, [0, 1].
        accounts: How many were asked about: all of today's, or a fixed random sample.
    """

    group: str
    words: str
    mean_absolute: float
    mean: float
    raises: float
    accounts: int = 0


def importance_of(
    scorer: ModelScorer, examples: EvaluationSet, most: int = MOST_ACCOUNTS
) -> tuple[Importance, ...]:
    """Shuffles each group's columns among the accounts, all of them in one way, and asks again.

    Args:
        scorer: The loaded challenger.
        examples: The evaluation set, its features by the challenger's Transform graph.
        most: How many accounts to take.

    Returns:
        One for each group, the one with the greatest loss of AUC first.

    Raises:
        SectionMissing: The model reads other features; all accounts churned, or none did.
        ValueError: The model has no signature for features.
    """
    groups = np.array(feature_groups())
    rows = _sample(len(examples.labels), most)
    features, labels = examples.features[rows], examples.labels[rows]
    refuse_one_class(labels)
    if features.shape[1] != len(groups):
        raise SectionMissing(
            f"The evaluation set has {features.shape[1]} features, expected {len(groups)}."
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
        number: Number of the shuffle, from 0.
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


def contributions_of(scorer: ModelScorer, serialized: Sequence[bytes]) -> tuple[Contribution, ...]:
    """Takes the scores of accounts apart.

    Args:
        scorer: The loaded challenger.
        serialized: Examples of today's accounts, or of a sample of them, one at least.

    Returns:
        One for each group, the largest mean absolute contribution first.

    Raises:
        ValueError: The model has no signature for reasons.
    """
    explanation = scorer.explain(serialized)
    found = [
        Contribution(
            group=group,
            words=group_words(group),
            mean_absolute=float(abs(column).mean()),
            mean=float(column.mean()),
            raises=float((column > 0).mean()),
            accounts=len(column),
        )
        for group, column in zip(explanation.groups, explanation.contributions.T, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: (-one.mean_absolute, one.group)))
