"""The pictures of today's scores beside those of the last publication."""

from collections.abc import Sequence
from typing import Final

from components.model_review.account_sections import Scored, Standing
from components.model_review.page import numbers
from components.model_review.page.blocks import Figure, Table
from components.model_review.page.charts.pairs import pairs, pairs_key

_DASH: Final = "\N{EN DASH}"


def by_category(found: Standing) -> Figure:
    """Returns the accounts by risk category."""
    now = dict(found.after.categories)
    before = dict(found.before.categories) if found.before else {}
    names = list(dict.fromkeys((*now, *before)))
    return Figure(
        picture=pairs(
            names,
            [_part(now.get(name, 0), found.after) for name in names],
            [_part(before.get(name, 0), found.before) for name in names] if found.before else None,
            x="share of accounts",
            label=f"Share of accounts by risk category. {categories_here(found)}",
            labels=True,
        ),
        here=categories_here(found),
        shows="How many accounts fall into each category by this model, and how many did at the "
        "last publication.",
        good="As many at the top as can be called, and no jump without a reason.",
        bad="Many more, or far fewer, critical accounts than last time, although the business has "
        "not changed.",
        table=_table("Accounts by risk category", "Category", names, now, before, found),
        key=pairs_key(found.before is not None),
    )


def categories_here(found: Standing) -> str:
    """Says how many accounts are in the highest category, now and before."""
    name, count = found.after.categories[0]
    said = f"Here {numbers.count(count)} of {numbers.count(found.after.accounts)} accounts "
    said += f"{'are' if found.published else 'would be'} {name}"
    if found.before is None:
        return f"{said}; there is nothing to compare with."
    before = dict(found.before.categories).get(name, 0)
    return (
        f"{said}, after {numbers.count(before)} of {numbers.count(found.before.accounts)} at the "
        "last publication."
    )


def by_probability(found: Standing) -> Figure:
    """Returns the accounts by probability."""
    bins = [
        f"{_percent(low)} to {_percent(high)}"
        for low, high in zip(found.edges, found.edges[1:], strict=False)
    ]
    now = dict(zip(bins, found.after.histogram, strict=True))
    before = dict(zip(bins, found.before.histogram, strict=True)) if found.before else {}
    used = _used(bins, now, before)
    here = probabilities_here(found)
    return Figure(
        picture=pairs(
            used,
            [_part(now[name], found.after) for name in used],
            [_part(before[name], found.before) for name in used] if found.before else None,
            x="share of accounts",
            label=f"Share of accounts by probability of churn. {here}",
        ),
        here=here,
        shows="How the probabilities of churn are spread over all accounts of today. The steps "
        "are small where most accounts are.",
        good="Most accounts low, some far higher: the model tells them apart.",
        bad="All accounts in one or two steps: the model has nothing to say about them.",
        table=_table("Accounts by probability", "Probability", bins, now, before, found, True),
        key=pairs_key(found.before is not None),
    )


def probabilities_here(found: Standing) -> str:
    """Says what the mean probability is, now and before."""
    said = f"Here the mean probability is {numbers.share(found.after.mean_probability)}"
    if found.before is None:
        return f"{said}; there is nothing to compare with."
    return f"{said}, after {numbers.share(found.before.mean_probability)} at the last publication."


def _used(bins: Sequence[str], now: dict[str, int], before: dict[str, int]) -> list[str]:
    """Leaves out the bins above the highest that has an account."""
    filled = [place for place, name in enumerate(bins) if now[name] or before.get(name)]
    return list(bins[: max(filled, default=0) + 1])


def _percent(edge: float) -> str:
    return f"{edge * 100:g}%"


def _part(count: int, scored: Scored | None) -> float:
    return count / scored.accounts if scored and scored.accounts else 0.0


def _table(
    caption: str,
    first: str,
    names: Sequence[str],
    now: dict[str, int],
    before: dict[str, int],
    found: Standing,
    folded: bool = False,
) -> Table:
    now_by = f"by {found.after.model_version} as of {numbers.moment(found.after.as_of)}"
    before_by = f"by {found.before.model_version}" if found.before else "none that stand"
    return Table.of(
        f"{caption}, {now_by}; before, {before_by}",
        (first, "By this model#", "Share#", "Before#", "Share before#"),
        (
            (
                name,
                numbers.count(now.get(name, 0)),
                numbers.share(_part(now.get(name, 0), found.after)),
                numbers.count(before.get(name, 0)) if found.before else _DASH,
                numbers.share(_part(before.get(name, 0), found.before)) if found.before else _DASH,
            )
            for name in names
        ),
        folded,
    )
