"""The rows of both tables, from the shards of scores."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from components.account_scorer.inference import read_scores, read_shards
from components.errors import PublicationRefused
from components.postgres.tables import ACCOUNT_RISK_DETAILS
from serving_model.served.risk import health_scores
from serving_model.served.risk_bands import RiskBands, divided_ties

ScoreRow = tuple[str, float, float, str, datetime, str]


@dataclass(frozen=True)
class ScoredAccounts:
    """All accounts of a run, in the order of the shards.

    Attributes:
        accounts: Ids, [n].
        probabilities: Of churn, [n], each in 0..1.
        categories: By the bands, [n].
        divided_ties: How many share a probability with one of another category.
    """

    accounts: list[str]
    probabilities: npt.NDArray[np.float64]
    categories: npt.NDArray[np.str_]
    divided_ties: int

    def rows(self, predicted_at: datetime, model_version: str) -> Iterator[ScoreRow]:
        """Yields the rows of account_risk_scores."""
        health = health_scores(self.probabilities, self.accounts).tolist()
        columns = (self.accounts, self.probabilities.tolist(), health, self.categories.tolist())
        for values in zip(*columns, strict=True):
            yield (*values, predicted_at, model_version)


def scored_accounts(scores_uri: str, bands: RiskBands) -> ScoredAccounts:
    """Reads all scores, since by capacity the category of one depends on the others.

    Args:
        scores_uri: Folder of the shards.
        bands: The rule of the categories.

    Raises:
        PublicationRefused: A probability is NaN or outside 0..1, naming the account.
    """
    accounts: list[str] = []
    parts = [np.empty(0)]
    for ids, part in read_scores(scores_uri):
        accounts += ids
        parts.append(part)
    probabilities = np.concatenate(parts)
    try:
        categories = bands.categories(probabilities, accounts)
    except ValueError as error:
        raise PublicationRefused(f"Nothing was published. {error}") from None
    ties = divided_ties(bands, probabilities, categories)
    return ScoredAccounts(accounts, probabilities, categories, ties)


def detail_rows(scores_uri: str) -> Iterator[tuple[Any, ...]]:
    """Yields the rows of account_risk_details, shard by shard."""
    for shard in read_shards(scores_uri, ACCOUNT_RISK_DETAILS.column_names):
        yield from zip(*(column.to_pylist() for column in shard.columns), strict=True)
