"""What the champion learnt from, as a sketch that travels inside its SavedModel.

Quantiles of numbers and shares of words of the evaluation set, which has one example an account
as the split to score has, and quantiles of the scores that the model gives there. No rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from components.monitor.observed import Observed
from transforms.arrays import Floats
from transforms.event_spec import EVENT_AGE_DAYS

_QUANTILES: Final = 41
_MOST_VALUES: Final = 10_000
"""Values that are compared, evenly chosen: the distance is then off by about .005."""
_MOST_WORDS: Final = 1_000


@dataclass(frozen=True)
class Profile:
    """What the evaluation set of a model looked like.

    Attributes:
        as_of: The cutoff or moment that it speaks of, ISO 8601.
        accounts: Accounts that were looked at.
        numbers: Equidistant quantiles by the name of a raw feature or the label of a column.
        words: Shares of the most frequent words by the label of a column, largest first.
        scores: Equidistant quantiles of the log-odds; empty if nothing was scored.
    """

    as_of: str
    accounts: int
    numbers: Mapping[str, tuple[float, ...]]
    words: Mapping[str, Mapping[str, float]]
    scores: tuple[float, ...] = ()


def profile_of(observed: Observed, scored: Floats | None = None, as_of: str = "") -> Profile:
    """Returns the sketch of accounts and events.

    Args:
        observed: Of the evaluation set, or of a part of it.
        scored: Log-odds that the model gives the accounts.
        as_of: The moment that they speak of.
    """
    numbers = {**observed.numbers, **observed.event_numbers, EVENT_AGE_DAYS: observed.event_age}
    return Profile(
        as_of=as_of,
        accounts=observed.accounts,
        numbers={name: _quantiles(values) for name, values in numbers.items() if len(values)},
        words={
            label: _shares(
                dict(zip(words.words, words.counts().tolist(), strict=True)), len(words.codes)
            )
            for label, words in {**observed.event_words, **observed.account_words}.items()
            if len(words.codes)
        },
        scores=_quantiles(scored) if scored is not None and len(scored) else (),
    )


def _quantiles(values: Floats) -> tuple[float, ...]:
    known = values[~np.isnan(values)]
    if not len(known):
        return ()
    found = np.quantile(known, np.linspace(0, 1, _QUANTILES))
    return tuple(float(f"{one:.6g}") for one in found.tolist())


def _shares(counts: Mapping[str, int], total: int) -> dict[str, float]:
    order = sorted(counts, key=lambda word: (-counts[word], word))[:_MOST_WORDS]
    return {word: round(counts[word] / total, 6) for word in order if counts[word]}


def number_distance(values: Floats, quantiles: tuple[float, ...]) -> float:
    """Returns the largest distance of two distribution functions, 0..1 (Kolmogorov-Smirnov).

    Args:
        values: Of now, [n]; NaN is left out.
        quantiles: Of training, equidistant.
    """
    some = values[:: max(1, len(values) // _MOST_VALUES)]
    known = np.sort(some[~np.isnan(some)])
    if not len(known) or not quantiles:
        return 0.0
    edges, last = np.unique(np.asarray(quantiles)), len(quantiles) - 1
    upper = np.searchsorted(quantiles, edges, side="right") - 1
    lower = np.searchsorted(quantiles, edges, side="left")
    # Where many are equal, the function jumps: both of its sides are compared.
    right = np.searchsorted(known, edges, side="right") / len(known) - upper / last
    left = np.searchsorted(known, edges, side="left") / len(known) - lower / last
    return float(max(np.abs(right).max(), np.abs(left).max()))
