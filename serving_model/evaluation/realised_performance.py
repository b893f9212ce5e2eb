"""The performance of a publication whose window has closed, with bootstrap intervals.

Accounts are drawn with replacement, as in paired_bootstrap. However many there are, they are drawn
as some hundreds of cells of neighbouring probabilities and one label: how often a cell is drawn is
multinomial, and does not depend on who is in it. What a cell blurs, the distance of its metric
from that of the accounts, is taken off every resample.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from serving_model.evaluation.metrics import (
    CALIBRATION_GAP,
    METRICS,
    Metric,
    brier_score,
    squared_errors,
)
from serving_model.evaluation.paired_bootstrap import RESAMPLES, WeightedRanking, interval
from serving_model.evaluation.performance import UNDEFINED, BandPerformance, Estimate, Performance
from transforms.arrays import Floats, Integers

CELLS: Final = 400
"""About how many there are of each label; as many accounts or fewer are drawn one by one."""
BRIER: Final = Metric(
    "brier",
    "Brier score",
    "Brier score",
    brier_score,
    higher_is_better=False,
    per_account=squared_errors,
)
MEASURED: Final[Mapping[str, Metric]] = {
    **METRICS,
    CALIBRATION_GAP.name: CALIBRATION_GAP,
    BRIER.name: METRICS.get(BRIER.name, BRIER),
}
"""What is measured of accounts with outcomes: all that the gate judges by, and the Brier score."""


class _Cells(NamedTuple):
    """Accounts of one label and neighbouring probabilities, [K] each."""

    labels: Floats
    probabilities: Floats
    accounts: Integers
    means: Mapping[str, Floats]
    """Of metrics that are means over accounts, by name."""


def realised_performance(
    labels: Floats,
    probabilities: Floats,
    bands: Integers,
    names: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Performance:
    """Measures a publication once it is known who left.

    Args:
        labels: 1 where the account left within the horizon, else 0, [n], n at least 1.
        probabilities: As published for the horizon, [n].
        bands: Code of each account's risk band, [n].
        names: Of the bands, by code.
        resamples: Of the intervals.
        seed: Of the resamples: the same one gives the same intervals.
    """
    random = np.random.default_rng(seed)
    cells = _cells_of(labels, probabilities)
    drawn = random.multinomial(len(labels), cells.accounts / len(labels), resamples)
    replicates = _metrics(cells, drawn)
    blurred = _metrics(cells, cells.accounts[None, :])
    metrics = {}
    for name, metric in MEASURED.items():
        value = metric.function(labels, probabilities)
        found = replicates.get(name)
        shifted = None if found is None else found - blurred[name] + value
        metrics[name] = _estimate(value, shifted)
    left = drawn @ cells.labels
    return Performance(
        accounts=len(labels),
        left=_estimate(float(labels.sum()), left),
        metrics=metrics,
        bands=dict(_bands(labels, bands, names, resamples, random)),
    )


def _cells_of(labels: Floats, probabilities: Floats) -> _Cells:
    order = np.argsort(probabilities, kind="stable")
    scores, left = probabilities[order], labels[order]
    starts = np.flatnonzero(np.r_[True, scores[1:] != scores[:-1]])
    tie = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(scores)]))
    if len(starts) > CELLS:
        # As many bins for those who left as for all: they are few, and decide the ranking.
        share = np.cumsum(left / max(left.sum(), 1) + 1 / len(left))
        tie = np.floor(share[starts] / share[-1] * CELLS).astype(np.int64)[tie]
    groups, cell, accounts = np.unique(2 * tie + left, return_inverse=True, return_counts=True)
    lowest = np.full(len(groups), np.inf)
    highest = np.full(len(groups), -np.inf)
    np.minimum.at(lowest, cell, scores)
    np.maximum.at(highest, cell, scores)
    mean = np.bincount(cell, scores) / accounts
    return _Cells(
        labels=np.mod(groups, 2).astype(np.float64),
        # A mean of equal numbers may differ from them in its last bit, and would part a tie.
        probabilities=np.where(lowest == highest, lowest, mean),
        accounts=accounts,
        means={
            name: np.bincount(cell, metric.per_account(left, scores)) / accounts
            for name, metric in MEASURED.items()
            if metric.per_account
        },
    )


def _metrics(cells: _Cells, drawn: Integers) -> dict[str, Floats]:
    """Returns the metrics of each resample by name, [resamples] each."""
    weights = drawn.astype(np.float32)
    ranked = WeightedRanking(cells.labels, cells.probabilities).metrics(weights)
    total = drawn.sum(axis=1)
    means = {name: (drawn @ summands) / total for name, summands in cells.means.items()}
    return {name: found for name, found in (ranked | means).items() if name in MEASURED}


def _bands(
    labels: Floats,
    bands: Integers,
    names: Sequence[str],
    resamples: int,
    random: np.random.Generator,
) -> Iterator[tuple[str, BandPerformance]]:
    left: Floats = np.bincount(bands, labels, minlength=len(names)).astype(np.float64)
    flagged = np.bincount(bands, minlength=len(names))
    cells = np.concatenate([left, flagged - left])
    drawn = random.multinomial(len(labels), cells / len(labels), resamples).astype(np.float64)
    drawn_left, drawn_stayed = drawn[:, : len(names)], drawn[:, len(names) :]
    total, drawn_total = left.sum(), drawn_left.sum(axis=1)
    for code, name in enumerate(names):
        if not flagged[code]:
            continue
        found, stayed = drawn_left[:, code], drawn_stayed[:, code]
        recall = _divided(left[code : code + 1], total)[0]
        precision, drawn_precision = left[code] / flagged[code], _divided(found, found + stayed)
        rate, drawn_rate = total / len(labels), drawn_total / len(labels)
        yield (
            name,
            BandPerformance(
                flagged=int(flagged[code]),
                left=_estimate(left[code], found),
                precision=_estimate(precision, drawn_precision),
                recall=_estimate(recall, _divided(found, drawn_total)),
                lift=_estimate(
                    precision / rate if rate else math.nan, _divided(drawn_precision, drawn_rate)
                ),
                false_positives=_estimate(flagged[code] - left[code], stayed),
                false_negatives=_estimate(total - left[code], drawn_total - found),
            ),
        )


def _divided(numbers: Floats, by: Floats | float) -> Floats:
    whole = np.broadcast_to(np.asarray(by, dtype=np.float64), numbers.shape)
    return np.divide(numbers, whole, out=np.full(numbers.shape, math.nan), where=whole > 0)


def _estimate(value: float, drawn: Floats | None) -> Estimate:
    """A value without resamples has no interval; one that means nothing has no value."""
    if math.isnan(value):
        return UNDEFINED
    ends = None if drawn is None else interval(drawn)
    return Estimate(float(value), *(ends or (math.nan, math.nan)))
