"""Accounts in the order of their probabilities: how many churned among the first of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving_model.evaluation.paired_bootstrap import draws, interval
from transforms.arrays import Floats, Integers

CONSTANT: Final = "constant"
"""Name of the baseline that says the same of everybody."""
LOGISTIC_REGRESSION: Final = "logistic_regression"
"""Name of the baseline that is linear in the features."""
RECENCY: Final = "recency"
"""Name of the baseline that knows the days since the last event alone."""
COLD_START_RULE: Final = "cold_start_rule"
"""Name of the baseline with fixed weights: transforms/cold_start_rule.py."""
FIRST: Final = (50, 100, 200)
"""How many accounts a team may contact."""

Ends = tuple[float, float]
_LONGER: Final = 3


@dataclass(frozen=True)
class FirstAccounts:
    """The accounts with the highest probabilities taken as a warning.

    Attributes:
        model: Whose probabilities.
        first: How many accounts.
        churned: Churned accounts among them; where others have the probability of the last, the
            mean over all orders of these.
        precision: churned over first.
        precision_interval: Its 95 % bootstrap interval over accounts.
        recall: churned over all churned accounts.
        recall_interval: Likewise; None where no resample holds a churned account.
    """

    model: str
    first: int
    churned: float
    precision: float
    precision_interval: Ends | None
    recall: float
    recall_interval: Ends | None


@dataclass(frozen=True)
class FirstDifference:
    """Churned accounts among the first by one model, less those by another.

    Attributes:
        other: The other model.
        first: How many accounts.
        churned: Difference of the churned accounts among them.
        interval: Its 95 % interval over paired resamples.
    """

    other: str
    first: int
    churned: float
    interval: Ends | None


def ranked(probabilities: Floats) -> tuple[Integers, Integers]:
    """Ranks accounts.

    Args:
        probabilities: [n].

    Returns:
        Their places by falling probability, [n], and how many accounts have each distinct
        probability or a higher one, [p].
    """
    order = np.argsort(-probabilities, kind="stable")
    return order, np.r_[np.flatnonzero(np.diff(probabilities[order])) + 1, len(order)]


def reached(
    labels: Floats, ends: Integers, weights: NDArray[np.float32], points: Floats
) -> tuple[Floats, Floats]:
    """Counts the churned accounts among the first, of several weightings of the same accounts.

    Args:
        labels: 0 or 1, by falling probability, [n].
        ends: How many accounts there are to the end of each distinct probability, [p].
        weights: How often each account counts, in the order of the labels, [r, n].
        points: How many accounts are contacted, by weight, [r, k].

    Returns:
        Churned accounts among the contacted, [r, k], and all of them, [r]. Where only some
        accounts of one probability are contacted, their churned ones count by their share.
    """
    contacted = np.cumsum(weights, axis=1)[:, ends - 1].astype(np.float64)
    churned = np.cumsum(weights * labels.astype(np.float32), axis=1)[:, ends - 1].astype(np.float64)
    found = [
        np.interp(at, np.r_[0, x], np.r_[0, y])
        for at, x, y in zip(points, contacted, churned, strict=True)
    ]
    return np.array(found), churned[:, -1]


def first_accounts(
    labels: Floats, models: Mapping[str, Floats], counts: Sequence[int] = FIRST
) -> tuple[list[FirstAccounts], list[FirstDifference]]:
    """Counts what each model's first accounts are worth, on the resamples of the bootstrap.

    Args:
        labels: 0 or 1, [n].
        models: Probabilities by name, [n] each; the first one is compared with each other.
        counts: How many accounts are looked at; those that are not below n are left out.

    Returns:
        Of each model, in the order given, each count; and the first model less each other one.
    """
    counts = [count for count in counts if count < len(labels)]
    if not counts:
        return [], []
    orders = {name: _Order.of(found, max(counts)) for name, found in models.items()}
    whole = {name: one.churned(labels, _once(labels), counts)[0] for name, one in orders.items()}
    parts: dict[str, list[Floats]] = {name: [] for name in models}
    everyone: list[Floats] = []
    for drawn in draws(len(labels)):
        everyone.append((drawn @ labels.astype(np.float32)).astype(np.float64))
        for name, one in orders.items():
            parts[name].append(one.churned(labels, drawn, counts))
    replicates = {name: np.concatenate(found) for name, found in parts.items()}
    of_all = np.concatenate(everyone)[:, None]
    found = [
        _first(name, place, count, labels, whole[name], replicates[name], of_all)
        for name in models
        for place, count in enumerate(counts)
    ]
    own, *others = models
    differences = [
        FirstDifference(
            other=other,
            first=count,
            churned=float(whole[own][place] - whole[other][place]),
            interval=interval(replicates[own][:, place] - replicates[other][:, place]),
        )
        for other in others
        for place, count in enumerate(counts)
    ]
    return found, differences


class _Order(NamedTuple):
    """The beginning of a ranking, long enough for the first accounts of any resample."""

    rows: Integers
    ends: Integers

    @classmethod
    def of(cls, probabilities: Floats, most: int) -> "_Order":
        """Ranks, and keeps three times as many accounts as are contacted.

        A resample leaves out every third account or so: that as many hold fewer than a third of
        their number is as good as impossible.
        """
        order, ends = ranked(probabilities)
        kept = int(np.searchsorted(ends, min(_LONGER * most + 100, len(order)))) + 1
        return cls(order[: ends[kept - 1]], ends[:kept])

    def churned(
        self, labels: Floats, weights: NDArray[np.float32], counts: Sequence[int]
    ) -> Floats:
        """Counts the churned accounts among the first, [r, counts]."""
        points = np.tile(np.array(counts, np.float64), (len(weights), 1))
        return reached(labels[self.rows], self.ends, weights[:, self.rows], points)[0]


def _once(labels: Floats) -> NDArray[np.float32]:
    return np.ones((1, len(labels)), np.float32)


def _first(
    model: str,
    place: int,
    count: int,
    labels: Floats,
    whole: Floats,
    replicates: Floats,
    of_all: Floats,
) -> FirstAccounts:
    churned = float(whole[place])
    with np.errstate(divide="ignore", invalid="ignore"):
        recalls = (replicates / of_all)[:, place]
    return FirstAccounts(
        model=model,
        first=count,
        churned=churned,
        precision=churned / count,
        precision_interval=interval(replicates[:, place] / count),
        recall=churned / max(1.0, float(labels.sum())),
        recall_interval=interval(recalls),
    )
