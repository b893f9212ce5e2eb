"""Scores of today's accounts by this model, beside the last publication."""

from collections.abc import Sequence
from typing import Final

from components.model_review.page.charts.pairs import pairs, pairs_key
from components.model_review.page.words import absent
from components.model_review.review import Review
from components.model_review.sections.accounts import ScoreComparison, Scored
from components.model_review.sections.decision import BLESSED
from components.page import numbers
from components.page.blocks import Absent, Block, Figure, Part, Section, Table, Text
from serving_model.evaluation.metrics import METRICS

_NONE: Final = "The run scored no account."
_DASH: Final = "\N{EN DASH}"


def accounts_section(review: Review) -> Section:
    """Returns the section."""
    found, question = review.accounts, "How would it score today's accounts?"
    if review.decision.kind == BLESSED:
        question = "What would happen to my accounts if I approve?"
    if found is None:
        why = absent(review, "accounts", _NONE)
        said = "Not known: no account was scored."
        return Section("accounts", question, said, (Part("Accounts by risk band", (why,)),))
    parts = (
        Part("Accounts by risk band", (by_category(found), Text(f"Risk bands by {found.bands}."))),
        Part("Accounts by probability", (by_probability(found),)),
        Part("Transitions between risk bands", (_band_transitions(found),)),
        Part("Largest changes of probability", (_largest_changes(found),)),
        *_foreseen(review),
    )
    return Section("accounts", question, accounts_here(found), parts)


def accounts_here(found: ScoreComparison) -> str:
    """Says how many accounts change their risk band, and whether that is published."""
    said = "These scores are published already. " if found.published else ""
    if found.before is None:
        return f"{said}{found.before_missing}"
    moved = sum(count for before, after, count in found.band_transitions if before != after)
    whole = f"{numbers.count(moved)} of {numbers.counted(found.common, 'account', 'accounts')}"
    said += f"{whole} in both publications change their risk band"
    if found.common:
        said += f" ({numbers.share(moved / found.common)})"
    return (
        f"{said}; {numbers.counted(found.appeared, 'account is', 'accounts are')} new and "
        f"{numbers.count(found.vanished)} are no longer there. The mean probability goes from "
        f"{numbers.share(found.before.mean_probability)} to "
        f"{numbers.share(found.after.mean_probability)}."
    )


def _foreseen(review: Review) -> tuple[Part, ...]:
    """Returns what is expected of the published scores before any outcome; nothing without it."""
    found = review.foreseen
    if found is None:
        return ()
    table = Table.of(
        f"Scores by {found.model_version}",
        ("Metric", "At the gate#", "Estimated for the published scores#", "95 % interval"),
        (
            (
                METRICS[one.metric].label,
                numbers.NOT_KNOWN if one.at_the_gate is None else numbers.metric(one.at_the_gate),
                numbers.metric(one.value),
                numbers.NOT_KNOWN
                if one.low is None or one.high is None
                else f"{numbers.metric(one.low)} to {numbers.metric(one.high)}",
            )
            for one in found.metrics
        ),
    )
    said = Text(
        "The estimate takes the probabilities for right: it falls when other accounts are scored "
        "than before, and cannot see a reason to leave that no feature shows. Whether it holds is "
        f"known from {numbers.moment(found.known_from)} on."
    )
    return (Part("Estimated performance of the published scores", (table, said)),)


def _band_transitions(found: ScoreComparison) -> Block:
    if found.before is None:
        return Absent(found.before_missing)
    if not found.band_transitions:
        return Absent("No account is in both publications.")
    names = _categories(found.after, found.before, found.band_transitions)
    counts = {(before, after): count for before, after, count in found.band_transitions}
    return Table.of(
        "Transitions: risk band at the last publication (rows), by this model (columns)",
        ("Before", *(f"{name}#" for name in names)),
        (
            (before, *(numbers.count(counts.get((before, name), 0)) for name in names))
            for before in names
        ),
    )


def _categories(
    after: Scored, before: Scored, band_transitions: tuple[tuple[str, str, int], ...]
) -> list[str]:
    named = [name for scored in (after, before) for name, _ in scored.categories]
    named += [name for old, new, _ in band_transitions for name in (old, new)]
    return list(dict.fromkeys(named))


def _largest_changes(found: ScoreComparison) -> Block:
    if not found.accounts_shown:
        return Absent("REVIEW_ACCOUNTS is false: this report names no accounts.")
    if found.before is None:
        return Absent(found.before_missing)
    if not found.largest_changes:
        return Text("No account's probability changes.")
    return Table.of(
        f"The {numbers.counted(len(found.largest_changes), 'account', 'accounts')} with the "
        "largest changes",
        ("Account", "Before#", "By this model#", "Risk band before", "Risk band now"),
        (
            (
                one.account_id,
                numbers.share(one.before),
                numbers.share(one.after),
                one.category_before,
                one.category_after,
            )
            for one in found.largest_changes
        ),
    )


def by_category(found: ScoreComparison) -> Figure:
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
            label=f"Share of accounts by risk band. {categories_here(found)}",
            labels=True,
        ),
        here=categories_here(found),
        shows="Share of accounts in each risk band by this model, and at the last publication.",
        good="As many critical accounts as can be contacted, and no jump without a reason.",
        bad="Many more, or far fewer, critical accounts than last time, although the business has "
        "not changed.",
        table=_table("Accounts by risk band", "Risk band", names, now, before, found),
        key=pairs_key(found.before is not None),
    )


def categories_here(found: ScoreComparison) -> str:
    """Says how many accounts are in the highest category, now and before."""
    name, count = found.after.categories[0]
    said = f"{numbers.count(count)} of {numbers.count(found.after.accounts)} accounts "
    said += f"{'are' if found.published else 'would be'} {name}"
    if found.before is None:
        return f"{said}; there is nothing to compare with."
    before = dict(found.before.categories).get(name, 0)
    return (
        f"{said}, after {numbers.count(before)} of {numbers.count(found.before.accounts)} at the "
        "last publication."
    )


def by_probability(found: ScoreComparison) -> Figure:
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
        shows="Distribution of the churn probabilities of today's accounts. Bins are narrower "
        "where "
        "most accounts are.",
        good="Most accounts low, some far higher: the model separates them.",
        bad="All accounts in one or two bins: the model does not separate them.",
        table=_table("Accounts by probability", "Probability", bins, now, before, found, True),
        key=pairs_key(found.before is not None),
    )


def probabilities_here(found: ScoreComparison) -> str:
    """Says what the mean probability is, now and before."""
    said = f"The mean probability is {numbers.share(found.after.mean_probability)}"
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
    found: ScoreComparison,
    folded: bool = False,
) -> Table:
    now_by = f"by {found.after.model_version} as of {numbers.moment(found.after.as_of)}"
    before_by = f"by {found.before.model_version}" if found.before else "nothing published"
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
