"""The measures of a publication: what is watched, as a list of numbers with names.

Arrays come in and numbers go out; neither a database nor TensorFlow is asked, so that the
benchmarks measure simulated years with the very functions of the component.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from components.monitor.observed import STATE, Observed, Scored, Words
from components.monitor.profile import Profile, number_distance
from transforms.arrays import Floats
from transforms.columns import CATEGORIES

WINDOW_DAYS: Final = 7
"""Of the events that are fresh. A whole week, so that each day of the week is in it once."""

TABLE: Final = ":table"
"""Stands for the name of a column where the whole is measured."""
ALL: Final = ""
"""Key and value of the slice that holds everything."""

COUNT: Final = "count"
SHARE: Final = "share"
LEVEL: Final = "level"
AMOUNT: Final = "amount"
CUMULATIVE: Final = "cumulative"
FACT: Final = "fact"
"""Scales: a count (compared by its logarithm), a share of observations (by the arcsine of its
root), a level (as it is), an amount above 0 such as seconds (by its logarithm), a count since the
beginning of the record, of which the growth within a week is compared, and what is only kept."""

TRAINING: Final = "training"
PREVIOUS: Final = "previous"
SETTING: Final = "setting"
"""Baselines."""

_SMALLEST_SHARE: Final = 0.005
"""Of the events of the lookback: words that are rarer are not watched one by one."""
_MOST_WORDS: Final = 40
"""Of a column that are watched one by one, the most frequent first."""


@dataclass(frozen=True)
class Measure:
    """One number.

    Attributes:
        family: Which measures share a threshold: what they speak of.
        scale: How values are compared: COUNT, SHARE, LEVEL, AMOUNT, CUMULATIVE or FACT.
        metric: What was measured.
        value: The number.
        column: Of what, a column, a reason group, a node, or TABLE.
        slice_key: Column whose value divides what was measured; empty for all of it.
        slice_value: That value.
        observations: Rows or accounts behind an average or a share.
        baseline: PREVIOUS, TRAINING for a distance from what the champion learnt from, or SETTING
            for what a limit of the settings alone decides about.
        of_model: Whether another champion makes it another series.
        fresh: Whether it is of the events of the window; else of the state at its end.
    """

    family: str
    scale: str
    metric: str
    value: float
    column: str = TABLE
    slice_key: str = ALL
    slice_value: str = ALL
    observations: float = 0.0
    baseline: str = PREVIOUS
    of_model: bool = False
    fresh: bool = False

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it one series over the runs."""
        return self.slice_key, self.slice_value, self.column, self.metric


DISTANCE: Final = "distance from training"
SHARES: Final = frozenset(
    {
        "share of events",
        "share of accounts",
        "blank",
        "unseen",
        "mean probability",
        "accounts not scored",
        "rows without account",
        "rows that repeat another",
        "rows without a date",
        "rows that came late",
    }
)
"""Metrics whose values are shares, 0..1."""


GROWING: Final = frozenset({"rows", "churn rows"})
"""Metrics that are counts since the beginning of the record: compared is their growth in a week."""


OF_CHECKS: Final = " checks"
"""End of the column of what a data check found, such as ":drift checks"."""


def name_of_measure(slice_key: str, slice_value: str, column: str, metric: str) -> str:
    """Returns what people call a measure, by its key; what tells it from others comes first."""
    if column.startswith(":") and column.endswith(OF_CHECKS):
        return f"{metric} (data check)"
    of = "" if column.startswith(":") else f" of {column}"
    where = f"{slice_key} {slice_value!r}: " if slice_key else ""
    return f"{where}{metric}{of}"


@dataclass(frozen=True)
class Watched:
    """Which words of a column are watched.

    Attributes:
        words: One by one, each as a share.
        known: Those that training has, others are unseen; None where nothing is known of it.
    """

    words: tuple[str, ...]
    known: frozenset[str] | None = None


def watched_words(
    observed: Observed,
    profile: Profile | None,
    known: Mapping[str, frozenset[str]] | None = None,
) -> dict[str, Watched]:
    """Returns which words of each column are watched: those frequent now or in training.

    Args:
        observed: Accounts and events of the split to score.
        profile: Of the champion's training, if there is one.
        known: The words that training has, by the name of the feature, as the data checks take
            them; None takes those of the profile.
    """
    found = {}
    for label, words in {**observed.event_words, **observed.account_words}.items():
        shares = profile.words.get(label) if profile else None
        trained = [word for word, share in (shares or {}).items() if share >= _SMALLEST_SHARE]
        every = dict.fromkeys(one for one in (*trained, *_frequent(words)) if one.strip())
        of_profile = frozenset(shares) if shares is not None else None
        of_training = of_profile if known is None else known.get(_FEATURES[label])
        found[label] = Watched(tuple(every)[:_MOST_WORDS], of_training)
    return found


_FEATURES: Final = {column.label: column.feature for column in CATEGORIES}


def _frequent(words: Words) -> list[str]:
    counts = words.counts()
    total = max(int(counts.sum()), 1)
    order = np.argsort(-counts, kind="stable").tolist()
    return [words.words[one] for one in order if counts[one] >= _SMALLEST_SHARE * total]


def measure_events(observed: Observed, watched: Mapping[str, Watched]) -> Iterator[Measure]:
    """Yields volume, shares of words, blank and unknown values of the events of the window.

    Args:
        observed: Accounts and events of the split to score.
        watched: By the label of each column.
    """
    fresh = observed.event_age < WINDOW_DAYS
    total = int(np.count_nonzero(fresh))
    count = total / observed.rate
    yield Measure("volume", COUNT, "events", count, observations=total, fresh=True)
    for label, values in observed.event_numbers.items():
        if total:
            mean = float(values[fresh].mean())
            yield Measure(label, LEVEL, "mean", mean, label, observations=total, fresh=True)
    for label, words in observed.event_words.items():
        yield from _word_measures(label, words, fresh, watched, total, "share of events")
    owner = observed.event_account[fresh]
    for label, words in observed.account_words.items():
        of_events = Words(words.codes[owner], words.words)
        yield from _word_measures(label, of_events, slice(None), watched, total, "share of events")


def _word_measures(
    label: str,
    words: Words,
    of: Any,
    watched: Mapping[str, Watched],
    total: int,
    metric: str,
) -> Iterator[Measure]:
    found = dict(zip(words.words, words.counts(of).tolist(), strict=True))
    size, fresh = max(total, 1), metric != _OF_ACCOUNTS
    known = watched[label].known
    if fresh:
        blank = words.blanks(of) / size
        yield Measure("blank", SHARE, "blank", blank, label, observations=total, fresh=True)
    if fresh and known is not None:
        unseen = sum(count for word, count in found.items() if word.strip() and word not in known)
        yield Measure(
            "unseen", SHARE, "unseen", unseen / size, label, observations=total, fresh=True
        )
    for word in watched[label].words:
        share = found.get(word, 0) / size
        family = label if fresh else "accounts"
        yield Measure(family, SHARE, metric, share, TABLE, label, word, total, fresh=fresh)


_OF_ACCOUNTS: Final = "share of accounts"


def measure_accounts(observed: Observed, watched: Mapping[str, Watched]) -> Iterator[Measure]:
    """Yields the facts of the accounts, and the shares of tiers and regions among them."""
    n = observed.accounts
    for name, values in observed.numbers.items():
        known = values[~np.isnan(values)]
        if len(known):
            mean = float(np.log1p(np.maximum(known, 0)).mean())
            yield Measure("facts", LEVEL, "mean of logarithm", mean, name, observations=n)
    for label, words in observed.account_words.items():
        yield from _word_measures(label, words, slice(None), watched, n, _OF_ACCOUNTS)


_QUANTILES: Final = {"10": 0.1, "50": 0.5, "90": 0.9, "99": 0.99}


def measure_scores(
    scored: Scored, categories: Mapping[str, int], profile: Profile | None
) -> Iterator[Measure]:
    """Yields the distribution of the scores: overall, by tier, region and account state.

    Args:
        scored: What was published.
        categories: Accounts by risk band.
        profile: Of the champion's training, if there is one.
    """
    n = len(scored.log_odds)
    if not n:
        return
    mean = float(scored.log_odds.mean())
    yield Measure("scores", LEVEL, "mean log-odds", mean, SCORE, observations=n, of_model=True)
    probability = float(scored.probability.mean())
    yield Measure(
        "scores", SHARE, "mean probability", probability, SCORE, observations=n, of_model=True
    )
    at = np.quantile(scored.log_odds, list(_QUANTILES.values()))
    for name, value in zip(_QUANTILES, at.tolist(), strict=True):
        yield Measure(
            "scores", LEVEL, f"log-odds, percentile {name}", value, SCORE,
            observations=n, of_model=True,
        )  # fmt: skip
    for label, words in scored.words.items():
        yield from _by_slice(label, words, scored.log_odds)
    state = scored.words.get(STATE)
    if state is not None:
        for word, number in zip(state.words, state.counts().tolist(), strict=True):
            yield Measure("coverage", SHARE, _OF_ACCOUNTS, number / n, TABLE, STATE, word, n)
    total = max(sum(categories.values()), 1)
    for band, number in categories.items():
        yield Measure(
            "bands", SHARE, _OF_ACCOUNTS, number / total, TABLE, "risk_category", band, total,
            of_model=True,
        )  # fmt: skip
    for group, values in scored.contributions.items():
        yield Measure(
            "groups", LEVEL, "mean contribution", float(values.mean()), group,
            observations=len(values), of_model=True,
        )  # fmt: skip
    if profile is not None and profile.scores:
        distance = number_distance(scored.log_odds, profile.scores)
        yield Measure(
            "distance", LEVEL, DISTANCE, distance, SCORE,
            observations=n, baseline=TRAINING, of_model=True,
        )  # fmt: skip


SCORE: Final = "churn_probability"
_FEWEST_IN_SLICE: Final = 30
"""Accounts of a slice whose mean is watched."""


def _by_slice(label: str, words: Words, log_odds: Floats) -> Iterator[Measure]:
    known = words.codes >= 0
    sums = np.bincount(words.codes[known], log_odds[known], minlength=len(words.words))
    for word, number, total in zip(
        words.words, words.counts().tolist(), sums.tolist(), strict=True
    ):
        if number >= _FEWEST_IN_SLICE:
            yield Measure(
                "scores", LEVEL, "mean log-odds", total / number, SCORE, label, word,
                number, of_model=True,
            )  # fmt: skip
