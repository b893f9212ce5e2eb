"""Two models side by side, as one HTML file."""

import json
from collections.abc import Sequence
from typing import Any, Final

from components.model_review.page.charts.intervals import Measured, intervals
from components.model_review.page.comparison_quality import for_whom, which_is_better
from components.model_review.page.comparison_words import better_here, better_word
from components.model_review.sections.compared import (
    ABSENT,
    Comparison,
    Difference,
    JudgedChange,
)
from components.model_review.sections.estimates import Estimate
from components.page import numbers, theme
from components.page.blocks import (
    Absent,
    Block,
    Figure,
    Part,
    Section,
    Table,
    Text,
)
from components.page.environment import page
from components.page.picture import short_name

_UNNAMED: Final = "The settings forbid to name accounts (TENS_INSIGHT_REVIEW_ACCOUNTS)."
_CUTOFFS: Final = ("train_cutoffs", "eval_cutoffs")
_COLUMNS: Final = (
    *("Account", "A#", "B#", "B less A#"),
    *("Category by A", "Category by B", "What happened", "Number#"),
)
_WORDS: Final = {
    "as_of": "as of",
    "label_source": "source of the label",
    "lookback_days": "days that it looks back",
    "horizon_days": "days that the label looks ahead",
    "max_events": "events of an account, at most",
    "duplicate_events": "duplicate events",
    "active_within_days": "days after which an account is silent",
    "rows_after_churn": "feedback after a churn date",
    "feedback_rows": "rows of feedback",
    "train_cutoffs": "training cutoffs",
    "train_examples": "examples learnt from",
    "train_churned": "churned among them",
    "eval_cutoffs": "evaluation cutoff",
    "eval_examples": "examples evaluated on",
    "eval_churned": "churned among these",
    "code_version": "code version",
}


def render(found: Comparison) -> str:
    """Returns the page: no script, no font, no request, the same for the same comparison."""
    sections = (which_is_better(found), for_whom(found), who_moves(found), what_differs(found))
    return page(
        __package__,
        "comparison.j2",
        a=found.a,
        b=found.b,
        badge=better_word(found),
        sentence=better_here(found),
        facts=_facts(found),
        sections=sections,
    )


def _facts(found: Comparison) -> tuple[tuple[str, str], ...]:
    models, evaluation = (("A", found.a), ("B", found.b)), found.evaluation
    if evaluation is None:
        return (*models, ("Compared on", "no evaluation set that is fair to both"))
    accounts = numbers.counted(evaluation.accounts, "account", "accounts")
    return (
        *models,
        ("Compared on", f"the evaluation set of {evaluation.version}"),
        ("At the cutoff", numbers.moment(evaluation.cutoff)),
        ("Which holds", f"{accounts}, {numbers.count(evaluation.churned)} of which left"),
    )


def who_moves(found: Comparison) -> Section:
    """Returns the section."""
    question = "Which accounts do they see differently?"
    evaluation = found.evaluation
    if evaluation is None or not evaluation.moved:
        part = Part("Account by account", (Absent(found.not_compared or _UNNAMED),))
        return Section("accounts", question, "That is not shown.", (part,))
    moved = evaluation.moved
    part = Part("Account by account", (_moved(moved),))
    return Section("accounts", question, moved_here(moved), (part,))


def moved_here(moved: Sequence[JudgedChange]) -> str:
    """Says whether b moves scores towards what became of the accounts."""
    left = [one for one in moved if one.churned]
    stayed = [one for one in moved if not one.churned]
    said = f"Of the {numbers.counted(len(moved), 'account', 'accounts')} that move most, "
    said += f"{numbers.count(len(left))} left and {numbers.count(len(stayed))} stayed"
    right = sum(one.after > one.before for one in left) + sum(
        one.after < one.before for one in stayed
    )
    return f"{said}; B moves {numbers.count(right)} of them towards what happened."


def _moved(moved: Sequence[JudgedChange]) -> Figure:
    rows = [
        Measured(
            _name(place, one),
            Estimate(one.after, (min(one.before, one.after), max(one.before, one.after))),
            theme.BAD if one.churned else theme.CHALLENGER,
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
        "is A's. Numbers are those of the table; the word says what became of the account.",
        good="Accounts that left with their point at the right end, those that stayed with their "
        "point at the left end.",
        bad="Points at the wrong end, one after the other: B unlearnt something.",
        table=Table.of(
            f"The {numbers.counted(len(moved), 'account', 'accounts')} that move most",
            _COLUMNS,
            (
                (
                    one.account_id,
                    numbers.share(one.before),
                    numbers.share(one.after),
                    _signed(one.after - one.before),
                    one.category_before,
                    one.category_after,
                    became(one),
                    numbers.count(place),
                )
                for place, one in enumerate(moved, start=1)
            ),
        ),
    )


def became(one: JudgedChange) -> str:
    """Says what became of an account."""
    return "left" if one.churned else "stayed"


def _name(place: int, one: JudgedChange) -> str:
    """Returns the number of an account, what became of it, and its id where that fits.

    A cut id would help nobody who has the table, and would be left where an account is forgotten.
    """
    named = f"{place}. {became(one)} · {one.account_id}"
    return named if short_name(named) == named else f"{place}. {became(one)}"


def _signed(difference: float) -> str:
    return f"+{numbers.share(difference)}" if difference > 0 else numbers.share(difference)


def what_differs(found: Comparison) -> Section:
    """Returns the section."""
    data, settings = found.data, found.settings
    parts = (
        Part("Data and code", (_differing("Data and code that differ", data),)),
        Part("Settings", (_differing("Settings that differ", settings),)),
    )
    said = (
        f"Here {numbers.counted(len(data), 'fact', 'facts')} about data and code and "
        f"{numbers.counted(len(settings), 'setting', 'settings')} differ."
    )
    return Section("differences", "What was done differently?", said, parts)


def value_words(name: str, value: Any) -> str:
    """Returns a value for people: several cutoffs as their number, first and last."""
    if value == ABSENT:
        return "not recorded"
    if name in _CUTOFFS and isinstance(value, str):
        cutoffs = value.split(",")
        first, last = (numbers.moment(one) for one in (cutoffs[0], cutoffs[-1]))
        return first if len(cutoffs) == 1 else f"{len(cutoffs)} from {first} to {last}"
    if isinstance(value, str):
        return numbers.moment(value) if name == "as_of" else value
    if isinstance(value, int) and not isinstance(value, bool):
        return numbers.count(value)
    return json.dumps(value, ensure_ascii=False)


def _differing(caption: str, rows: Sequence[Difference]) -> Block:
    if not rows:
        return Text("None that is recorded.")
    return Table.of(
        caption,
        ("What", "A", "B"),
        (
            (
                _WORDS.get(one.name, one.name),
                value_words(one.name, one.a),
                value_words(one.name, one.b),
            )
            for one in rows
        ),
    )
