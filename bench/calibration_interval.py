"""Whether a bootstrap gives an interval for the calibration error: how often it holds the truth.

    python -m bench.calibration_interval

Probabilities are drawn, and outcomes from them or from probabilities that are off by a stated
shift and slope of the log-odds. The truth is the calibration error of very many accounts with
their true probabilities for outcomes. Two bootstraps of accounts are tried: percentiles of the
resamples, and the basic one, which reflects them at the value (Davison and Hinkley 1997, 5.2).
Prints for each case the share of draws whose 95 % interval holds the truth. Nothing is written.
"""

import argparse
import itertools
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from serving_model.evaluation.metrics import CalibrationBins, expected_calibration_error
from transforms.arrays import Floats

SIZES: Final = (600, 3_000, 20_000)
RATES: Final = (0.02, 0.06, 0.3)
WRONG: Final = {
    "calibrated": (0.0, 1.0),
    "too low": (0.3, 1.0),
    "too far apart": (0.0, 0.6),
}
"""Shift and slope of the true log-odds, around those of the base rate."""
SPREAD: Final = 0.9
"""Standard deviation of the log-odds."""
POPULATION: Final = 400_000
RESAMPLES: Final = 150
ENDS: Final = (0.025, 0.975)


class Case(NamedTuple):
    """Accounts of one kind."""

    accounts: int
    rate: float
    wrong: str


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Bootstrap intervals of the calibration error.")
    parser.add_argument("--draws", type=int, default=200, help="Of each case (default: 200).")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print("| model | accounts | base rate | true error | percentiles hold it | basic holds it |")
    print("|---|---|---|---|---|---|")
    for wrong, accounts, rate in itertools.product(WRONG, SIZES, RATES):
        print(line_of(Case(accounts, rate, wrong), options.draws, options.seed), flush=True)


def line_of(case: Case, draws: int, seed: int) -> str:
    """Returns the row of one case."""
    random = np.random.default_rng(seed)
    truth = true_error(case, random)
    held = np.array(list(_held(case, truth, draws, random)))
    percentiles, basic = 100 * held.mean(axis=0)
    return (
        f"| {case.wrong} | {case.accounts:,} | {case.rate:.0%} | {truth:.4f} "
        f"| {percentiles:.0f} % | {basic:.0f} % |"
    )


def true_error(case: Case, random: np.random.Generator) -> float:
    """Returns the calibration error of the population, 0..1."""
    probabilities, chances = drawn(case._replace(accounts=POPULATION), random)
    return CalibrationBins(probabilities).error(chances)


def drawn(case: Case, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Draws what a model says of accounts, and how likely they are to leave, [n] each."""
    shift, slope = WRONG[case.wrong]
    centre = np.log(case.rate / (1 - case.rate))
    log_odds = random.normal(centre, SPREAD, case.accounts)
    return _probability(log_odds), _probability(centre + shift + slope * (log_odds - centre))


def _held(
    case: Case, truth: float, draws: int, random: np.random.Generator
) -> Iterator[tuple[bool, bool]]:
    for _ in range(draws):
        probabilities, chances = drawn(case, random)
        labels = (random.random(case.accounts) < chances).astype(np.float64)
        value = expected_calibration_error(labels, probabilities)
        low, high = np.quantile(_resampled(labels, probabilities, random), ENDS)
        yield low <= truth <= high, max(2 * value - high, 0) <= truth <= 2 * value - low


def _resampled(labels: Floats, probabilities: Floats, random: np.random.Generator) -> Floats:
    found = np.empty(RESAMPLES)
    for place in range(RESAMPLES):
        rows = random.integers(0, len(labels), len(labels))
        found[place] = CalibrationBins(probabilities[rows]).error(labels[rows])
    return found


def _probability(log_odds: Floats) -> Floats:
    return 1 / (1 + np.exp(-log_odds))


if __name__ == "__main__":
    main()
