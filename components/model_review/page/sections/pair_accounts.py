"""Which accounts two models see most differently."""

from typing import Final

from components.model_review.page import numbers, theme
from components.model_review.page.blocks import Absent, Figure, Part, Section, Table
from components.model_review.page.charts.intervals import Measured, intervals
from components.model_review.page.sections.pair_words import Found
from components.model_review.sections.estimates import Estimate

_LONGEST: Final = 17
_UNNAMED: Final = "The settings forbid to name accounts (TENS_INSIGHT_REVIEW_ACCOUNTS)."


def who_moves(found: Found) -> Section:
    """Returns the section."""
    question = "Which accounts do they see differently?"
    snapshot = found["snapshot"]
    if snapshot is None or not snapshot["moved"]:
        part = Part("Account by account", (Absent(found["not_compared"] or _UNNAMED),))
        return Section("accounts", question, "That is not shown.", (part,))
    moved = snapshot["moved"]
    part = Part("Account by account", (_moved(moved),))
    return Section("accounts", question, moved_here(moved), (part,))


def moved_here(moved: list[Found]) -> str:
    """Says whether b moves scores towards what became of the accounts."""
    left = [one for one in moved if one["churned"]]
    stayed = [one for one in moved if not one["churned"]]
    said = f"Of the {numbers.counted(len(moved), 'account', 'accounts')} that move most, "
    said += f"{numbers.count(len(left))} left and {numbers.count(len(stayed))} stayed"
    right = sum(one["b"] > one["a"] for one in left) + sum(one["b"] < one["a"] for one in stayed)
    return f"{said}; B moves {numbers.count(right)} of them towards what happened."


def _moved(moved: list[Found]) -> Figure:
    rows = [
        Measured(
            f"{place}. {became(one)} · {_short(one['account_id'])}",
            Estimate(one["b"], (min(one["a"], one["b"]), max(one["a"], one["b"]))),
            theme.BAD if one["churned"] else theme.CHALLENGER,
        )
        for place, one in enumerate(moved, start=1)
    ]
    return Figure(
        picture=intervals(
            rows,
            x="probability of churn",
            label=f"Probability by B, and how far that is from A's. {moved_here(moved)}",
            number_format=".0%",
        ),
        here=moved_here(moved),
        shows="Each account's probability of churn: the point is B's, the other end of the line "
        "is A's. The word before the account says what became of it.",
        good="Accounts that left with their point at the right end, those that stayed with their "
        "point at the left end.",
        bad="Points at the wrong end, one after the other: B unlearnt something.",
        table=Table.of(
            f"The {numbers.counted(len(moved), 'account', 'accounts')} that move most",
            ("Account", "A#", "B#", "B less A#", "Category by A", "Category by B", "What happened"),
            (
                (
                    one["account_id"],
                    numbers.share(one["a"]),
                    numbers.share(one["b"]),
                    _signed(one["b"] - one["a"]),
                    one["category_a"],
                    one["category_b"],
                    became(one),
                )
                for one in moved
            ),
        ),
    )


def became(one: Found) -> str:
    """Says what became of an account."""
    return "left" if one["churned"] else "stayed"


def _short(account_id: str) -> str:
    """Keeps both ends of a long id: ids often differ only in the last one."""
    return account_id if len(account_id) <= _LONGEST else f"{account_id[:8]}…{account_id[-8:]}"


def _signed(difference: float) -> str:
    return f"+{numbers.share(difference)}" if difference > 0 else numbers.share(difference)
