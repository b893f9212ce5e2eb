"""From contributions and facts to the reasons that a person reads."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from serving_model.reasons.fact_sentences import AccountFacts, sentence
from serving_model.reasons.factors import factor
from serving_model.served.predict import Explanation

TOP_REASONS: Final = 3
SMALLEST_REASON: Final = 0.01
"""Log-odds: what changes the odds by less than a hundredth is no reason."""

RAISES: Final = "raises"
LOWERS: Final = "lowers"


class Reason(NamedTuple):
    """Why an account's risk is not that of the base-rate account; `_asdict()` fits into JSON."""

    group: str
    """One of `transforms.reason_groups.group_names`."""
    direction: str
    """RAISES or LOWERS."""
    log_odds: float
    """The group's contribution; above 0 where it raises the risk."""
    text: str
    """A sentence of facts, without a full stop."""
    effect: str
    """The contribution as a factor on the odds of churn: "×1.9"."""


def top_reasons(
    contributions: Mapping[str, float], facts: AccountFacts, most: int = TOP_REASONS
) -> list[Reason]:
    """Picks the groups that raise an account's risk most, and those that lower it most.

    A sentence says what is the case, not why the account may leave: a contribution is what
    the model makes of the group's features together.

    Args:
        contributions: In log-odds, by group.
        facts: Of the same account.
        most: How many to pick in each direction, at most.

    Returns:
        Those that raise the risk first, the largest first in each direction; the same for
        the same arguments. Empty if no contribution reaches SMALLEST_REASON.

    Raises:
        ValueError: If a contribution is NaN or infinite.
    """
    wrong = [group for group, value in contributions.items() if not math.isfinite(value)]
    if wrong:
        raise ValueError(f"The contributions of {wrong} are not finite: train the model again.")
    falling = sorted(contributions.items(), key=lambda item: (-abs(item[1]), item[0]))
    told: dict[str, list[Reason]] = {RAISES: [], LOWERS: []}
    said: set[str] = set()
    for group, value in falling:
        listed = told[RAISES if value > 0 else LOWERS]
        if abs(value) < SMALLEST_REASON or len(listed) >= most:
            continue
        reason = _reason(group, value, facts)
        # Two groups may have but one fact to show: said twice, and even under both headings,
        # it would contradict itself. The larger one says it.
        if reason.text not in said:
            said.add(reason.text)
            listed.append(reason)
    return told[RAISES] + told[LOWERS]


def reasons_of(
    explanation: Explanation, card: Mapping[str, object], most: int = TOP_REASONS
) -> Iterator[list[Reason]]:
    """Yields the top reasons of each account, in the order of the explanation.

    Args:
        explanation: Of ModelScorer.explain.
        card: Of the same model; `lookback_days` and `max_events` say how far its examples
            reach, the project's defaults where it lacks them.
        most: As for `top_reasons`.
    """
    for account, contributions in enumerate(explanation.contributions):
        facts = facts_of(explanation, account, card)
        yield top_reasons(_named(explanation.groups, contributions.tolist()), facts, most)


def facts_of(explanation: Explanation, account: int, card: Mapping[str, object]) -> AccountFacts:
    """Returns the facts of one account of an explanation, by its place."""
    return AccountFacts(
        _named(explanation.fact_names, explanation.facts[account].tolist()),
        dict(zip(explanation.fact_word_names, explanation.fact_words[account], strict=True)),
        *examples_reach(card),
    )


def examples_reach(card: Mapping[str, object]) -> tuple[int, int]:
    """Returns a model's `lookback_days` and `max_events`, the project's defaults without them."""
    defaults = AccountFacts._field_defaults
    lookback, events = (
        int(str(card.get(name, defaults[name]))) for name in ("lookback_days", "max_events")
    )
    return lookback, events


def _reason(group: str, log_odds: float, facts: AccountFacts) -> Reason:
    direction = RAISES if log_odds > 0 else LOWERS
    return Reason(group, direction, log_odds, sentence(group, facts), factor(log_odds))


def _named(names: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    return dict(zip(names, values, strict=True))
