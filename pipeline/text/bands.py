"""What the risk categories are worth, in lines."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.model_gate.band_worth import BandsWorth, CategoryWorth


def worth_lines(worth: "BandsWorth") -> Iterator[str]:
    """Yields a line for each category that holds accounts, and one for the two that are looked for.

    Args:
        worth: Of one rule on one evaluation set.
    """
    accounts = sum(one.accounts for one in worth.categories)
    churned = sum(one.churned for one in worth.categories)
    both = _told(worth.high_or_critical)
    yield f"of {accounts} accounts of the evaluation set {churned} left; {both}"
    for one in worth.categories:
        if one.accounts:
            yield _told(one)


def other_rules(found: "Sequence[BandsWorth]") -> Iterator[str]:
    """Yields what the other rules would be worth, where they tell accounts apart."""
    for one in found[1:]:
        if one.separates:
            yield f"by {one.described}: {_told(one.high_or_critical)}"


def _told(one: "CategoryWorth") -> str:
    said = f"{one.category} {one.accounts}"
    if not one.accounts:
        return said
    parts = [f"{said}, {one.churned} of them left"]
    for name in ("precision", "recall"):
        value, ends = getattr(one, name), getattr(one, f"{name}_interval")
        if value is not None and ends is not None:
            parts.append(f"{name} {value:.2f} [{ends[0]:.2f}, {ends[1]:.2f}]")
    return ", ".join(parts)
