"""What is published, under which limits, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from components.publishing.config import PublishingConfig
from components.publishing.split import Split
from serving_model.served.risk_bands import CONTRACT_BANDS, RiskBands

NO_LABEL: Final = "none"


@dataclass(frozen=True)
class Publication:
    """What the rows are, for the log and for the guard against older runs.

    Attributes:
        as_of: The run's now, with a time zone.
        model_version: The model, or set of weights, that made the rows; every row names it, or
            its model of the split.
        label_source: What the model was taught as churn; NO_LABEL for a rule.
        run_id: The run that publishes.
        expected_rows: How many rows there must be.
        feedback_rows: Rows of feedback before as_of, if they were counted.
        bands: The rule of the categories; without a meaning for rows without categories.
        split: By which two models made the rows; None where one did. model_version is its first.
        population: Who was scored, as LogEntry has it; None where nobody could be silent.
        cuts: Where categories begin, where `bands` says it of all accounts together and these are
            some of them.
    """

    as_of: datetime
    model_version: str
    label_source: str
    run_id: str
    expected_rows: int
    feedback_rows: int | None = None
    bands: RiskBands = CONTRACT_BANDS
    split: Split | None = None
    population: Mapping[str, Any] | None = None
    cuts: tuple[float, ...] | None = None

    @property
    def models(self) -> frozenset[str]:
        """The models that rows may name."""
        return frozenset((self.model_version, *((self.split.b,) if self.split else ())))


@dataclass(frozen=True)
class PublishPolicy:
    """How a publication replaces the last one, and how far it may differ from it.

    Attributes:
        limits: Of the circuit breaker, the reason to publish in spite of it, and how long the
            history is. Those of probabilities are compared if it is a ScorePublishingConfig.
        remove_departed: Remove the rows whose keys are not published any more.
        allow_empty: Let a publication without any row through, the circuit breaker included.
    """

    limits: PublishingConfig
    remove_departed: bool = True
    allow_empty: bool = False


@dataclass(frozen=True)
class Published:
    """What was published.

    Attributes:
        written: Rows inserted or replaced.
        removed: Rows removed because their keys were not published any more.
        categories: Rows per category; empty for a table without categories.
        mean_probability: 0..1; None for a table without probabilities.
        published_at: By the server's clock, UTC.
        publication_id: In the log and in the history.
        former_bands: The rule of the last publication, where it was another one: then the
            circuit breaker did not compare categories.
    """

    written: int
    removed: int
    categories: dict[str, int]
    mean_probability: float | None
    published_at: datetime
    publication_id: int
    former_bands: RiskBands | None = None
