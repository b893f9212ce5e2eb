"""The performance of a publication before its window has closed: estimated, or partly known.

Estimated, on the day of publication: nothing is known but the probabilities, and how far such
probabilities were off before (recalibration.py).

Partial: the window of a shorter horizon has closed. Who left in it has left; who did not leaves in
the rest of the window with the chance that the model's hazards say. These are the weights of
censored accounts (redistribution to the right, Efron 1967): an account that is still there counts
as churned with that chance and as one that stayed with the rest. Inverse probabilities of
censoring cannot be had from the publication itself: all its accounts are as old as each other, so
none was seen to the end of the window, and the chance to be seen is 0 for all.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from serving_model.evaluation.expected_metrics import (
    ExpectedRanking,
    expected_brier,
    expected_log_loss,
)
from serving_model.evaluation.outcome_draws import (
    CELLS,
    DRAWS,
    Cells,
    cells_of,
    drawn_churned,
    drawn_metrics,
)
from serving_model.evaluation.performance import UNDEFINED, BandPerformance, Estimate, Performance
from serving_model.evaluation.recalibration import Recalibration, log_odds_of
from transforms.arrays import Booleans, Floats, Integers

CONFIDENCE: Final = 0.95


def estimated_performance(
    probabilities: Floats,
    bands: Integers,
    names: Sequence[str],
    belief: Recalibration,
    *,
    draws: int = DRAWS,
    cells: int = CELLS,
    seed: int = 0,
) -> Performance:
    """Returns what to expect of a publication before any outcome.

    What it cannot see is a change of how features and leaving hang together: probabilities that
    have become wrong look like those that are right.

    Args:
        probabilities: As published for the horizon, [n], n at least 1.
        bands: Code of each account's risk band, [n].
        names: Of the bands, by code.
        belief: How far the probabilities may be off.
        draws: How many outcomes of all accounts are drawn for the intervals.
        cells: See outcome_draws.
        seed: Of the draws: the same one gives the same intervals.
    """
    nobody = np.zeros(len(probabilities), dtype=np.bool_)
    chances = belief.chances(log_odds_of(probabilities))
    divided = cells_of(probabilities, probabilities, nobody, bands, cells)
    churned = drawn_churned(divided, belief, draws, seed)
    return _performance(probabilities, chances, bands, names, divided, churned)


def partial_performance(
    probabilities: Floats,
    closed_probabilities: Floats,
    left: Booleans,
    bands: Integers,
    names: Sequence[str],
    belief: Recalibration,
    *,
    draws: int = DRAWS,
    cells: int = CELLS,
    seed: int = 0,
) -> Performance:
    """Returns what to expect of a publication of which a shorter window has closed.

    Args:
        probabilities: As published for the horizon, [n], n at least 1.
        closed_probabilities: As published for the horizon that has closed, [n]; none is above
            that of the longer horizon.
        left: Whether the account left within the closed horizon, [n].
        bands: Code of each account's risk band, [n].
        names: Of the bands, by code.
        belief: How far the chances may be off of leaving in the rest of the window, for those that
            are still there: from earlier publications whose whole window has closed.
        draws: As above.
        cells: As above.
        seed: As above.
    """
    rest = later_chances(probabilities, closed_probabilities)
    chances = np.where(left, 1.0, belief.chances(log_odds_of(rest)))
    divided = cells_of(probabilities, rest, left, bands, cells)
    churned = drawn_churned(divided, belief, draws, seed)
    return _performance(probabilities, chances, bands, names, divided, churned)


def later_chances(probabilities: Floats, closed_probabilities: Floats) -> Floats:
    """Returns the chance of leaving in the rest of the window of who is still there, [n].

    Args:
        probabilities: Within the whole window, [n].
        closed_probabilities: Within its closed part, [n].
    """
    there = 1 - closed_probabilities
    rest = np.divide(
        probabilities - closed_probabilities, there, out=np.zeros_like(there), where=there > 0
    )
    return np.clip(rest, 0.0, 1.0)


def _performance(
    probabilities: Floats,
    chances: Floats,
    bands: Integers,
    names: Sequence[str],
    cells: Cells,
    churned: Floats,
) -> Performance:
    """Values have closed forms over all accounts; their intervals are those of the draws."""
    ranking = ExpectedRanking(probabilities)
    values = {
        "auc": ranking.auc(chances).mean,
        "pr_auc": ranking.average_precision(chances),
        "log_loss": expected_log_loss(probabilities, chances).mean,
        "brier": expected_brier(probabilities, chances).mean,
        "calibration_error": ranking.calibration_error(chances),
    }
    drawn = drawn_metrics(cells, churned)
    return Performance(
        accounts=len(probabilities),
        left=_estimate(float(chances.sum()), churned.sum(axis=1)),
        metrics={name: _estimate(value, drawn[name]) for name, value in values.items()},
        bands=dict(_bands(chances, bands, names, cells, churned)),
    )


def _bands(
    chances: Floats, bands: Integers, names: Sequence[str], cells: Cells, churned: Floats
) -> Iterator[tuple[str, BandPerformance]]:
    flagged = np.bincount(bands, minlength=len(names))
    expected = np.bincount(bands, chances, minlength=len(names))
    for code, name in enumerate(names):
        if flagged[code]:
            caught = churned[:, cells.band == code].sum(axis=1)
            yield (
                name,
                _band(
                    int(flagged[code]),
                    len(chances),
                    (expected[code], chances.sum()),
                    caught,
                    churned,
                ),
            )


def _band(
    flagged: int, accounts: int, expected: tuple[float, float], caught: Floats, churned: Floats
) -> BandPerformance:
    left, all_left = expected
    total = churned.sum(axis=1)
    share = np.divide(caught, total, out=np.full_like(total, math.nan), where=total > 0)
    recall = left / all_left if all_left > 0 else math.nan
    return BandPerformance(
        flagged=flagged,
        left=_estimate(left, caught),
        precision=_estimate(left / flagged, caught / flagged),
        recall=_estimate(recall, share),
        lift=_estimate(recall * accounts / flagged, share * accounts / flagged),
        false_positives=_estimate(flagged - left, flagged - caught),
        false_negatives=_estimate(all_left - left, total - caught),
    )


def _estimate(value: float, drawn: Floats) -> Estimate:
    """Draws without the outcomes that a metric needs are left out of its interval."""
    possible = drawn[~np.isnan(drawn)]
    if math.isnan(value) or not possible.size:
        return UNDEFINED
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(possible, [tail, 1 - tail])
    return Estimate(value, float(low), float(high))
