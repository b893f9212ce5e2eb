"""Scores of today's accounts by this model, beside the last publication."""

from collections.abc import Sequence
from typing import Final

from components.model_review.page import numbers
from components.model_review.page.blocks import Absent, Block, Figure, Part, Section, Table, Text
from components.model_review.page.charts.pairs import pairs, pairs_key
from components.model_review.page.found import absent
from components.model_review.review import Review
from components.model_review.sections.accounts import Scored, Standing

_NONE: Final = "The run scored nobody."
_DASH: Final = "\N{EN DASH}"


def what_would_happen(review: Review) -> Section:
    """Returns the section."""
    found, question = review.standing, "What would happen to my accounts if I approve?"
    if found is None:
        why = absent(review, "standing", _NONE)
        said = "That is not known: no account was scored."
        return Section("accounts", question, said, (Part("Scores by category", (why,)),))
    parts = (
        Part("Scores by category", (by_category(found), Text(f"Categories by {found.bands}."))),
        Part("Scores by probability", (by_probability(found),)),
        Part("From category to category", (_transitions(found),)),
        Part("The accounts that move furthest", (_movers(found),)),
    )
    return Section("accounts", question, accounts_here(found), parts)


def accounts_here(found: Standing) -> str:
    """Says how many accounts change their category, and whether that has happened already."""
    said = "These scores are published already. " if found.published else ""
    if found.before is None:
        return f"{said}{found.before_missing}"
    moved = sum(count for before, after, count in found.transitions if before != after)
    whole = f"{numbers.count(moved)} of {numbers.counted(found.common, 'account', 'accounts')}"
    said += f"Here {whole} in both publications change their category"
    if found.common:
        said += f" ({numbers.share(moved / found.common)})"
    return (
        f"{said}; {numbers.counted(found.appeared, 'account is', 'accounts are')} new and "
        f"{numbers.count(found.vanished)} are no longer there. The mean probability goes from "
        f"{numbers.share(found.before.mean_probability)} to "
        f"{numbers.share(found.after.mean_probability)}."
    )


def _transitions(found: Standing) -> Block:
    if found.before is None:
        return Absent(found.before_missing)
    if not found.transitions:
        return Absent("No account is in both publications.")
    names = _categories(found.after, found.before, found.transitions)
    counts = {(before, after): count for before, after, count in found.transitions}
    return Table.of(
        "Accounts by category: at the last publication (down), by this model (across)",
        ("Before", *(f"{name}#" for name in names)),
        (
            (before, *(numbers.count(counts.get((before, name), 0)) for name in names))
            for before in names
        ),
    )


def _categories(
    after: Scored, before: Scored, transitions: tuple[tuple[str, str, int], ...]
) -> list[str]:
    named = [name for scored in (after, before) for name, _ in scored.categories]
    named += [name for old, new, _ in transitions for name in (old, new)]
    return list(dict.fromkeys(named))


def _movers(found: Standing) -> Block:
    if not found.accounts_shown:
        return Absent("The settings of this run forbid to name accounts.")
    if found.before is None:
        return Absent(found.before_missing)
    if not found.movers:
        return Text("No account's probability changes.")
    return Table.of(
        f"The {numbers.counted(len(found.movers), 'account', 'accounts')} that move furthest",
        ("Account", "Before#", "By this model#", "Category before", "Category now"),
        (
            (
                one.account_id,
                numbers.share(one.before),
                numbers.share(one.after),
                one.category_before,
                one.category_after,
            )
            for one in found.movers
        ),
    )


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
