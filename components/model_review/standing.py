"""What would happen to the accounts: today's scores beside the last ones of another model."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from components.account_scorer.bands import bands_for
from components.model_review.account_sections import Scored, Standing
from components.model_review.moves import Row, in_order, movers, transitions
from components.model_review.score_split import ScoredSplit
from components.publishing.standing_scores import StandingScores, StandingState
from serving_model.served.risk import checked_probabilities

EDGES: Final = (
    *(0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1),
    *(0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0),
)
"""Of the histogram, the same in all reports. Where one account in twenty leaves, the first two
of twenty equal bins would hold nearly all. The contract's cuts are among the edges."""


def standing_of(
    scored: ScoredSplit,
    card: Mapping[str, Any],
    as_of: str,
    rule: str,
    state: StandingState,
    accounts_shown: bool,
) -> Standing:
    """Compares all accounts before and after.

    Args:
        scored: The score split, by the challenger.
        card: Of the challenger.
        as_of: The run's now, ISO 8601 UTC.
        rule: RiskBands.rule of the settings, as JSON: by it AccountScorer would publish.
        state: What stands.
        accounts_shown: Whether accounts may be named.

    Raises:
        NothingToPublish: The rule does not fit the model.
        ValueError: A score is no probability; names the account, if accounts may be named.
    """
    bands = bands_for(rule, card)
    if not accounts_shown:
        # Without ids its complaint names none, as that of the categories would.
        checked_probabilities(scored.probabilities)
    categories = bands.categories(scored.probabilities, scored.accounts)
    after = _rows(scored.accounts, scored.probabilities.tolist(), categories.tolist())
    alone = Standing(
        after=_scored(str(card["model_version"]), as_of, after),
        before=None,
        published=state.published,
        bands=bands.describe(),
        edges=EDGES,
        accounts_shown=accounts_shown,
        before_missing=state.missing,
    )
    return alone if state.other is None else _beside(alone, after, state.other)


def _beside(alone: Standing, after: Mapping[str, Row], other: StandingScores) -> Standing:
    before = _rows(other.accounts, other.probabilities, other.categories)
    both = {one: (before[one], after[one]) for one in before.keys() & after.keys()}
    return replace(
        alone,
        before=_scored(other.model_version, other.as_of.isoformat(), before),
        transitions=transitions(both.values()),
        movers=movers(both) if alone.accounts_shown else (),
        common=len(both),
        appeared=len(after) - len(both),
        vanished=len(before) - len(both),
    )


def _rows(
    accounts: Sequence[str], probabilities: Sequence[float], categories: Sequence[str]
) -> dict[str, Row]:
    return dict(zip(accounts, map(Row, probabilities, categories), strict=True))


def _scored(model_version: str, as_of: str, rows: Mapping[str, Row]) -> Scored:
    probabilities = np.array([row.probability for row in rows.values()])
    counted = Counter(row.category for row in rows.values())
    return Scored(
        model_version=model_version,
        as_of=as_of,
        accounts=len(rows),
        mean_probability=float(probabilities.mean()),
        categories=tuple((name, counted[name]) for name in in_order(counted)),
        histogram=tuple(np.histogram(probabilities, EDGES)[0].tolist()),
    )
