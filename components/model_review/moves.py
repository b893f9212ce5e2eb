"""How accounts move from one scoring to another: between categories, and how far."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from components.model_review.account_sections import Mover
from serving_model.served.risk import CATEGORIES

MOST_MOVERS: Final = 20


class Row(NamedTuple):
    """One account in one scoring; the probability is in [0, 1]."""

    probability: float
    category: str


def transitions(pairs: Iterable[tuple[Row, Row]]) -> tuple[tuple[str, str, int], ...]:
    """Counts the accounts by (category before, category after), the highest risk first.

    Args:
        pairs: Each account before and after.
    """
    counted = Counter((before.category, after.category) for before, after in pairs)
    ordered = in_order({name for pair in counted for name in pair})
    place = {name: number for number, name in enumerate(ordered)}
    pairs_in_order = sorted(counted, key=lambda pair: (place[pair[0]], place[pair[1]]))
    return tuple((*pair, counted[pair]) for pair in pairs_in_order)


def movers(both: Mapping[str, tuple[Row, Row]], most: int = MOST_MOVERS) -> tuple[Mover, ...]:
    """Names the accounts whose probability moves furthest, up or down.

    Args:
        both: By account, before and after.
        most: How many to name.

    Returns:
        The furthest first, of equal moves the smaller id; none whose probability stays.
    """
    moved = [
        Mover(account, before.probability, after.probability, before.category, after.category)
        for account, (before, after) in both.items()
        if before.probability != after.probability
    ]
    return tuple(sorted(moved, key=lambda one: (-abs(one.after - one.before), one.account_id)))[
        :most
    ]


def in_order(categories: Iterable[str]) -> list[str]:
    """Returns all categories, the highest risk first, and last what a predecessor called else."""
    return [*reversed(CATEGORIES), *sorted(set(categories) - set(CATEGORIES))]
