"""What a best reader knows of each account at a cutoff, counted by week."""

from dataclasses import dataclass

import numpy as np

from pipeline.demo import world_model as model
from pipeline.demo.world import WEEK_SECONDS
from transforms.arrays import Floats, Integers


@dataclass(frozen=True)
class Observations:
    """What is known of n accounts that are alive at a cutoff, and the rows that name them.

    Attributes:
        tier: Tier codes, shape [n].
        signup: Week of sign-up, negative before the record, shape [n].
        account: Which of the n accounts wrote a row, shape [rows].
        second: When, in seconds since the start of the record, shape [rows].
        area: Codes of product areas, shape [rows].
        sentiment: Codes: negative, neutral, positive, shape [rows].
        priority: 1 to 5, shape [rows].
    """

    tier: Integers
    signup: Integers
    account: Integers
    second: Integers
    area: Integers
    sentiment: Integers
    priority: Integers


@dataclass(frozen=True)
class WeeklyCounts:
    """Sufficient statistics of the rows of n accounts.

    Attributes:
        sentiment: Rows by sentiment, shape [weeks, n, 3].
        steps: Priority steps above 1, of negative rows and of others, shape [weeks, n, 2].
        interests: Posterior mean share of each product area, shape [n, areas].
    """

    sentiment: Integers
    steps: Integers
    interests: Floats

    def of(self, chosen: Integers) -> "WeeklyCounts":
        """Returns the statistics of some of the accounts."""
        return WeeklyCounts(
            self.sentiment[:, chosen], self.steps[:, chosen], self.interests[chosen]
        )


def weeks_begun(cutoff: int) -> int:
    """Returns how many weeks have begun before so many seconds."""
    return -(-cutoff // WEEK_SECONDS)


def count_weeks(observations: Observations, incidents: Floats, cutoff: int) -> WeeklyCounts:
    """Counts the rows before the cutoff.

    Args:
        observations: The accounts and their rows.
        incidents: Strengths up to the cutoff, shape [weeks begun, areas].
        cutoff: Seconds since the start of the record.

    Returns:
        The counts of the weeks that have begun.
    """
    before = observations.second < cutoff
    account, sentiment = observations.account[before], observations.sentiment[before]
    week, area = observations.second[before] // WEEK_SECONDS, observations.area[before]
    shape = (weeks_begun(cutoff), len(observations.tier))
    counts = np.zeros((*shape, len(model.SENTIMENT_NAMES)), dtype=np.int64)
    np.add.at(counts, (week, account, sentiment), 1)
    steps = np.zeros((*shape, 2), dtype=np.int64)
    np.add.at(steps, (week, account, np.minimum(sentiment, 1)), observations.priority[before] - 1)
    interests = np.tile(model.AREA_CONCENTRATION * np.array(model.AREA_SHARES), (shape[1], 1))
    # Incidents draw rows to their area: those say less about lasting interest.
    np.add.at(interests, (account, area), 1 / (1 + 4 * incidents[week, area]))
    return WeeklyCounts(counts, steps, interests / interests.sum(axis=1, keepdims=True))
