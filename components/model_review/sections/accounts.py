"""Challenger scores of today's accounts, beside the last published scores."""

import hashlib
import heapq
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from numpy.typing import NDArray
from tfx.dsl.io import fileio

from components.account_scorer.bands import bands_for
from components.model_review.sections.compared import ProbabilityChange
from components.model_review.sections.estimates import SectionMissing
from components.publishing.previous_scores import PreviousScores, PreviousState, Scores
from serving_model.served.predict import ModelScorer
from serving_model.served.risk import CATEGORIES, checked_probabilities
from serving_model.served.risk_bands import RiskBands

MOST_CHANGES: Final = 20
SAMPLE: Final = 2_000
_BATCH: Final = 1_024
EDGES: Final = (
    *(0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1),
    *(0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0),
)
"""Edges of the histogram, the same in all reports. Where one account in twenty churns, the first
two of twenty equal bins would hold nearly all. The contract's cuts are among the edges."""


@dataclass(frozen=True)
class Scored:
    """All accounts of a moment, as one model scores them.

    Attributes:
        model_version: Version of the model that scored them.
        as_of: The scores' now, ISO 8601 UTC.
        accounts: Number of accounts.
        mean_probability: Mean probability of churn, [0, 1].
        categories: Accounts by risk category, the highest risk first.
        histogram: Accounts by probability, one number for each bin of ScoreComparison.edges.
    """

    model_version: str
    as_of: str
    accounts: int
    mean_probability: float
    categories: tuple[tuple[str, int], ...]
    histogram: tuple[int, ...]


@dataclass(frozen=True)
class ScoreComparison:
    """Today's accounts by this model, beside the last publication by another.

    Attributes:
        after: By this model.
        before: The newest publication that is not by this model; None where there is none.
        published: Whether `after` is what is published now.
        bands: The rule of the categories, in a sentence.
        edges: Of the histogram's bins, one more than there are bins, from 0 to 1; closer
            together where probabilities are low, since most of them are.
        band_transitions: (category before, category after, accounts) of accounts in both.
        largest_changes: The largest first; empty where accounts are not to be named.
        accounts_shown: Whether accounts may be named.
        common: Accounts in both.
        appeared: Accounts only in `after`.
        vanished: Accounts only in `before`.
        before_missing: Why there is no `before`; empty where there is one.
    """

    after: Scored
    before: Scored | None
    published: bool
    bands: str
    edges: tuple[float, ...]
    band_transitions: tuple[tuple[str, str, int], ...] = ()
    largest_changes: tuple[ProbabilityChange, ...] = ()
    accounts_shown: bool = True
    common: int = 0
    appeared: int = 0
    vanished: int = 0
    before_missing: str = ""


class ScoredSplit(NamedTuple):
    """The score split, answered by one model."""

    accounts: list[str]
    """Ids, [n], in the order of the files."""
    probabilities: NDArray[np.float64]
    """Of churn, [n]."""
    sample: list[bytes]
    """Serialized examples of SAMPLE accounts at most: a random choice, the same whatever
    the order in which they lie in the files."""


def band_transitions(
    before: NDArray[np.str_], after: NDArray[np.str_]
) -> tuple[tuple[str, str, int], ...]:
    """Counts the accounts by (category before, category after), the highest risk first.

    Args:
        before: Category of each account, [n].
        after: Likewise, of the same accounts in the same order.
    """
    ordered = in_order({*np.unique(before).tolist(), *np.unique(after).tolist()})
    place = {name: number for number, name in enumerate(ordered)}
    pairs = len(ordered) * _codes(before, place) + _codes(after, place)
    numbers, counts = np.unique(pairs, return_counts=True)
    return tuple(
        (ordered[number // len(ordered)], ordered[number % len(ordered)], count)
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True)
    )


def _codes(categories: NDArray[np.str_], place: Mapping[str, int]) -> NDArray[np.int64]:
    names, codes = np.unique(categories, return_inverse=True)
    return np.array([place[name] for name in names.tolist()], np.int64)[codes]


def largest_changes(
    before: Scores, after: Scores, most: int = MOST_CHANGES
) -> tuple[ProbabilityChange, ...]:
    """Names the accounts whose probability changes most, up or down.

    Args:
        before: Of n accounts.
        after: Of the same accounts in the same order.
        most: How many to name.

    Returns:
        The largest change first, of equal ones the smaller id; none without a change.
    """
    distance = np.abs(after.probabilities - before.probabilities)
    moved = int(np.count_nonzero(distance))
    if not min(most, moved):
        return ()
    least = -np.partition(-distance, min(most, moved) - 1)[min(most, moved) - 1]
    rows = np.flatnonzero(distance >= least)
    found = zip(
        before.accounts.take(pa.array(rows)).to_pylist(),
        before.probabilities[rows].tolist(),
        after.probabilities[rows].tolist(),
        before.categories[rows].tolist(),
        after.categories[rows].tolist(),
        strict=True,
    )
    changes = [ProbabilityChange(*one) for one in found]
    return tuple(sorted(changes, key=lambda one: (-abs(one.after - one.before), one.account_id)))[
        :most
    ]


def in_order(categories: Iterable[str]) -> list[str]:
    """Returns all risk bands, the highest first, then unknown ones of earlier publications."""
    return [*reversed(CATEGORIES), *sorted(set(categories) - set(CATEGORIES))]


def score_split(scorer: ModelScorer, split_uri: str, sample: int = SAMPLE) -> ScoredSplit:
    """Scores a split batch by batch; keeps no more examples than the sample.

    Args:
        scorer: The loaded challenger.
        split_uri: Folder of gzipped TFRecords without labels.
        sample: How many examples to keep, at most.

    Raises:
        SectionMissing: There is no account in it.
    """
    accounts: list[str] = []
    parts: list[NDArray[np.float64]] = []
    kept: list[tuple[bytes, str, bytes]] = []
    for batch in _batches(split_uri):
        ids, found = scorer.score(batch)
        names = ids.tolist()
        accounts += names
        parts.append(found)
        marked = [(_place(name), name, one) for name, one in zip(names, batch, strict=True)]
        kept = heapq.nsmallest(sample, kept + marked)
    if not parts:
        raise SectionMissing("There is no account to score: the split `score` is empty.")
    return ScoredSplit(accounts, np.concatenate(parts), [one for _, _, one in kept])


def _place(account: str) -> bytes:
    """A random place in the queue for the sample, always the same for an account."""
    return hashlib.blake2b(account.encode(), digest_size=8).digest()


def _batches(split_uri: str) -> Iterator[list[bytes]]:
    paths = [os.path.join(split_uri, name) for name in sorted(fileio.listdir(split_uri))]
    records = tf.data.TFRecordDataset(paths, compression_type="GZIP").batch(_BATCH)
    for batch in records.as_numpy_iterator():
        yield batch.tolist()


def compare_scores(
    scored: ScoredSplit,
    card: Mapping[str, Any],
    as_of: str,
    rule: str,
    state: PreviousState,
    accounts_shown: bool,
) -> ScoreComparison:
    """Compares all accounts before and after.

    Args:
        scored: The score split, by the challenger.
        card: The challenger's model card.
        as_of: The run's now, ISO 8601 UTC.
        rule: RiskBands.rule of the settings, as JSON: by it AccountScorer would publish.
        state: What stands.
        accounts_shown: Whether accounts may be named.

    Raises:
        NothingToPublish: The rule does not fit the model.
        ValueError: A score is no probability; names the account, if accounts may be named.
    """
    bands = bands_for(RiskBands.from_rule(json.loads(rule)), card)
    if not accounts_shown:
        # Without ids its complaint names none, as that of the categories would.
        checked_probabilities(scored.probabilities)
    categories = bands.categories(scored.probabilities, scored.accounts)
    after = Scores(pa.array(scored.accounts, pa.string()), scored.probabilities, categories)
    alone = ScoreComparison(
        after=_scored(str(card["model_version"]), as_of, after),
        before=None,
        published=state.published,
        bands=bands.describe(),
        edges=EDGES,
        accounts_shown=accounts_shown,
        before_missing=state.missing,
    )
    return alone if state.other is None else _beside(alone, after, state.other)


def _beside(alone: ScoreComparison, after: Scores, other: PreviousScores) -> ScoreComparison:
    before = other.scores
    found = pc.index_in(after.accounts, value_set=before.accounts)
    common = found.is_valid().to_numpy(zero_copy_only=False)
    then, now = before.rows(found.drop_null().to_numpy()), after.rows(np.flatnonzero(common))
    return replace(
        alone,
        before=_scored(other.model_version, other.as_of.isoformat(), before),
        band_transitions=band_transitions(then.categories, now.categories),
        largest_changes=largest_changes(then, now) if alone.accounts_shown else (),
        common=len(now),
        appeared=len(after) - len(now),
        vanished=len(before) - len(then),
    )


def _scored(model_version: str, as_of: str, scores: Scores) -> Scored:
    names, counts = np.unique(scores.categories, return_counts=True)
    counted = dict(zip(names.tolist(), counts.tolist(), strict=True))
    return Scored(
        model_version=model_version,
        as_of=as_of,
        accounts=len(scores),
        mean_probability=float(scores.probabilities.mean()),
        categories=tuple((name, counted.get(name, 0)) for name in in_order(counted)),
        histogram=tuple(np.histogram(scores.probabilities, EDGES)[0].tolist()),
    )
