"""Which reason groups move the scores of today's accounts, and how far."""

from collections.abc import Sequence

from components.model_review.account_sections import Contribution
from serving_model.reasons.group_words import group_words
from serving_model.served.predict import ModelScorer


def contributions_of(scorer: ModelScorer, serialized: Sequence[bytes]) -> tuple[Contribution, ...]:
    """Takes the scores of accounts apart.

    Args:
        scorer: Of the challenger.
        serialized: Snapshots of today's accounts, or of a sample of them, one at least.

    Returns:
        One for each group, the one that moves scores furthest first.

    Raises:
        ValueError: The model was trained before models gave reasons.
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
