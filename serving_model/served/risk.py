"""From a probability to what people read: a health score and a category."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

CATEGORIES: Final = ("low", "medium", "high", "critical")
CATEGORY_BOUNDS: Final = (0.25, 0.50, 0.75)
"""The probability from which the next category holds, itself included."""


def health_scores(
    probabilities: ArrayLike, accounts: Sequence[str] | None = None
) -> NDArray[np.float64]:
    """Returns 100 x (1 - probability), float64 in 0..100, of the same shape.

    Args:
        probabilities: Of churn, [n], each in 0..1.
        accounts: Their ids, [n], to name the culprit in an error.

    Raises:
        ValueError: If one is NaN or outside 0..1, naming the account.
    """
    return 100.0 * (1.0 - checked_probabilities(probabilities, accounts))


def risk_categories(
    probabilities: ArrayLike, accounts: Sequence[str] | None = None
) -> NDArray[np.str_]:
    """Returns low, medium, high or critical for each probability, str of the same shape.

    Args:
        probabilities: Of churn, [n], each in 0..1.
        accounts: Their ids, [n], to name the culprit in an error.

    Raises:
        ValueError: If one is NaN or outside 0..1, naming the account.
    """
    checked = checked_probabilities(probabilities, accounts)
    return np.array(CATEGORIES)[np.digitize(checked, CATEGORY_BOUNDS)]


def checked_probabilities(
    probabilities: ArrayLike, accounts: Sequence[str] | None = None
) -> NDArray[np.float64]:
    """Returns the probabilities as float64, if all are in 0..1.

    Args:
        probabilities: Of churn, [n].
        accounts: Their ids, [n], to name the culprit in an error.

    Raises:
        ValueError: If one is NaN or outside 0..1, naming the first such account, or if
            there are not as many accounts as probabilities.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    if accounts is not None and len(accounts) != values.size:
        raise ValueError(f"Got {values.size} probabilities for {len(accounts)} accounts.")
    wrong = np.flatnonzero(~((values >= 0) & (values <= 1)))
    if wrong.size == 0:
        return values
    first = int(wrong[0])
    whose = f"account {accounts[first]!r}" if accounts is not None else f"row {first}"
    raise ValueError(
        f"The churn probability of {whose} is {values.flat[first]}, expected 0 to 1 "
        f"({wrong.size} of {values.size} are wrong). Withdraw the model that gave it."
    )
