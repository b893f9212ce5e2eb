"""What would happen to my accounts if I approve? Scores now and before."""

from typing import Final

from components.model_review.account_sections import Scored, Standing
from components.model_review.page import numbers
from components.model_review.page.blocks import Absent, Block, Part, Section, Table, Text
from components.model_review.page.found import absent
from components.model_review.page.sections.scores import by_category, by_probability
from components.model_review.review import Review

_NONE: Final = "The run scored nobody."


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
