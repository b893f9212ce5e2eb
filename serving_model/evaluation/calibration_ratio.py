"""Mean predicted against observed rate: how many times too high, and how likely by chance.

An absolute distance says little where few accounts churn: 0.050 for a rate of 0.064 is near by any
of them, and a quarter off. So the two are divided, and the number that churned is held against its
exact distribution under the probabilities.
"""

from typing import Final, NamedTuple

import numpy as np
from scipy.stats import binomtest

from serving_model.evaluation.paired_bootstrap import CONFIDENCE
from transforms.arrays import Floats, Integers

TOP_SHARE: Final = 0.1
"""Of the accounts, those with the highest probabilities, which people act on."""


class CalibrationRatio(NamedTuple):
    """What was predicted of some accounts, and what happened.

    Rates are those of the rarer outcome: of churned accounts, or, where the mean of predicted and
    observed churn is above a half, of accounts that stayed.
    """

    predicted: float
    """Mean probability of the rarer outcome."""
    observed: float
    """Its observed rate."""
    p_value: float
    """Two-sided: how often a model with these probabilities that is right would be as far off."""
    interval: tuple[float, float]
    """Of the ratio: Wilson's 95 % interval of the observed rate (Wilson 1927), predicted over it;
    infinity where the rate may be 0."""
    of_churn: bool
    """Whether the rarer outcome is churn."""

    @property
    def ratio(self) -> float:
        """Predicted over observed: 1 where they agree, above it where too much was predicted."""
        return _over(self.predicted, self.observed)

    @property
    def factor(self) -> float:
        """How many times the larger of the two is the smaller one, at least 1."""
        return max(self.ratio, _over(self.observed, self.predicted))


def calibration_ratio(labels: Floats, probabilities: Floats) -> CalibrationRatio:
    """Holds the number of churned accounts against the probabilities.

    Args:
        labels: 0 or 1, [n], n at least 1.
        probabilities: [n].
    """
    churned, accounts = int(labels.sum()), len(labels)
    predicted, observed = float(probabilities.mean()), churned / accounts
    of_churn = predicted + observed <= 1
    if not of_churn:
        predicted, observed = 1 - predicted, 1 - observed
    ends = binomtest(round(observed * accounts), accounts).proportion_ci(
        CONFIDENCE, method="wilson"
    )
    return CalibrationRatio(
        predicted=predicted,
        observed=observed,
        p_value=p_value_of(churned, probabilities),
        interval=(_over(predicted, float(ends.high)), _over(predicted, float(ends.low))),
        of_churn=of_churn,
    )


def p_value_of(churned: int, probabilities: Floats) -> float:
    """Returns how likely a number of churned accounts is that lies as far out, [0, 1].

    Twice the smaller tail of the Poisson binomial distribution, exactly but for rounding of about
    1e-12: no normal approximation, which is off where few accounts churn.

    Args:
        churned: How many did.
        probabilities: Of each account, [n].
    """
    distribution = churned_distribution(probabilities)
    below, above = distribution[: churned + 1].sum(), distribution[churned:].sum()
    return float(min(1.0, 2 * min(below, above)))


def churned_distribution(probabilities: Floats) -> Floats:
    """Returns the probability of each number of churned accounts from 0 to n, [n + 1].

    The distribution of a sum of independent trials with unequal probabilities (Poisson 1837) is
    the product of the polynomials (1 - p) + p x. They are multiplied in pairs, by Fourier
    transforms (Biscarri, Zhao and Brunner 2018, "A simple and fast method for computing the
    Poisson binomial distribution").

    Args:
        probabilities: [n], n at least 1.
    """
    accounts = len(probabilities)
    padded = np.zeros(1 << max(1, (accounts - 1).bit_length()))
    padded[:accounts] = probabilities
    factors = np.stack([1 - padded, padded], axis=1)
    while len(factors) > 1:
        length = 2 * factors.shape[1] - 1
        size = 1 << (length - 1).bit_length()
        spectra = np.fft.rfft(factors, size, axis=1)
        factors = np.fft.irfft(spectra[::2] * spectra[1::2], size, axis=1)[:, :length]
    return np.clip(factors[0, : accounts + 1], 0.0, 1.0)


def top_rows(probabilities: Floats, share: float = TOP_SHARE) -> Integers:
    """Returns the places of the accounts with the highest probabilities, at least one.

    Args:
        probabilities: [n]; of equal ones the later come first, as in the deciles.
        share: Of the accounts.
    """
    count = max(1, round(share * len(probabilities)))
    return np.argsort(probabilities, kind="stable")[-count:]


def _over(one: float, other: float) -> float:
    if one == other:
        return 1.0
    return one / other if other > 0 else float("inf")
