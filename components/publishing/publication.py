"""What is published, under which limits, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from serving_model.served.risk_bands import CONTRACT_BANDS, RiskBands

NO_LABEL: Final = "none"


@dataclass(frozen=True)
class Publication:
    """What the rows are, for the log and for the guard against older runs.

    Attributes:
        as_of: The run's now, with a time zone.
        model_version: The model, or set of weights, that made the rows; every row names it.
        label_source: What the model was taught as churn; NO_LABEL for a rule.
        run_id: The run that publishes.
        expected_rows: How many rows there must be.
        feedback_rows: Rows of feedback before as_of, if they were counted.
        bands: The rule of the categories; without a meaning for rows without categories.
    """

    as_of: datetime
    model_version: str
    label_source: str
    run_id: str
    expected_rows: int
    feedback_rows: int | None = None
    bands: RiskBands = CONTRACT_BANDS


@dataclass(frozen=True)
class PublishPolicy:
    """How far a publication may differ from the last one.

    Attributes:
        max_count_change: Largest change of the number of rows, as a share of the last.
        max_mean_shift: Largest change of the mean probability, 0..1; without a meaning for
            rows without probabilities.
        max_category_shift: Largest change of a category's share of the rows, 0..1.
        max_moved_share: Largest share, of the keys that stay, whose probability moves by more
            than moved_threshold, 0..1; 1 asks nothing.
        moved_threshold: The move of a probability that counts, 0..1.
        accept_shift: The reason to publish in spite of these limits; empty if they hold.
        remove_departed: Remove the rows whose keys are not published any more.
        allow_empty: Let a publication without any row through, the circuit breaker included.
        history_days: Age in days from which rows of the history are dropped.
    """

    max_count_change: float
    max_mean_shift: float = 1.0
    max_category_shift: float = 1.0
    max_moved_share: float = 1.0
    moved_threshold: float = 0.3
    accept_shift: str = ""
    remove_departed: bool = True
    allow_empty: bool = False
    history_days: int = 400


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
