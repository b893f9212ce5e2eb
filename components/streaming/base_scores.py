"""The newest full publication: what scores of some accounts are placed among."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import NothingToPublish
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.history import rebuilt_rows
from components.publishing.publication_log import LogEntry, PublicationLog
from serving_model.served.risk import CATEGORIES
from serving_model.served.risk_bands import RiskBands
from transforms.arrays import Floats

_CATEGORIES_ABOVE_LOW: Final = CATEGORIES[1:]


@dataclass(frozen=True)
class BaseScores:
    """A full publication.

    Attributes:
        entry: Its line of the log.
        probabilities: Of all its accounts, rising, [n].
        lowest: By category above low the lowest probability in it; infinite without any.
    """

    entry: LogEntry
    probabilities: Floats
    lowest: dict[str, float]

    def percentiles(self, probabilities: Floats) -> Floats:
        """Returns 100 times the share of its accounts that lie below each, [m], 0..100."""
        below = np.searchsorted(self.probabilities, probabilities, side="left")
        return np.asarray(100 * below / max(1, len(self.probabilities)), np.float64)

    def cuts_for(self, bands: RiskBands) -> tuple[float, ...] | None:
        """Returns where categories begin by a rule that does not say it itself; None if it does.

        By capacity so many accounts are critical, high and medium; between two full publications
        an account takes the category that its probability had in the last one.

        Raises:
            NothingToPublish: It was published by another rule.
        """
        if bands.cuts is not None:
            return None
        if self.entry.bands.rule != bands.rule:
            raise NothingToPublish(
                f"The risk bands are {bands.describe()}, and publication "
                f"{self.entry.publication_id} was made by {self.entry.bands.describe()}: where "
                "the new ones begin is known after the next `tens-insight run score`."
            )
        cuts, lowest = [], float("inf")
        for name in reversed(_CATEGORIES_ABOVE_LOW):
            lowest = min(lowest, self.lowest[name])
            cuts.append(lowest)
        return tuple(reversed(cuts))


def read_base_scores(cursor: Cursor, log: PublicationLog, base: LogEntry) -> BaseScores:
    """Reads a full publication from the history.

    Raises:
        NothingToPublish: Its rows were dropped.
    """
    layers = log.layers(base)
    if layers is None:
        raise NothingToPublish(
            f"The rows of publication {base.publication_id} were dropped from the history. Let "
            "`tens-insight run score` publish again."
        )
    rows = rebuilt_rows(ACCOUNT_RISK_SCORES, layers)
    cursor.execute(sql.SQL("SELECT churn_probability, risk_category FROM {} AS base").format(rows))
    found = [(p, category) for p, category in cursor.fetchall() if p is not None]
    probabilities = np.sort(np.array([p for p, _ in found], np.float64))
    lowest = {
        name: min((p for p, category in found if category == name), default=float("inf"))
        for name in _CATEGORIES_ABOVE_LOW
    }
    return BaseScores(base, probabilities, lowest)
