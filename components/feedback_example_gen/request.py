"""What one run asks of FeedbackExampleGen, as its parameters say it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

from components.feedback_example_gen.cutoffs import SPLITS, Windows
from components.feedback_example_gen.examples import ExampleRules
from components.feedback_example_gen.reading.area_counts import AreaWindow
from components.feedback_example_gen.reading.feedback_reader import ChurnSource

AUTO: Final = "auto"
ACCOUNT_CHURN: Final = "account_churn"
INACTIVITY: Final = "inactivity"
COLLAPSE: Final = "collapse"
KEEP: Final = "keep"
DUPLICATE_EVENTS: Final = (COLLAPSE, KEEP)
LABEL_SOURCES: Final = (AUTO, ACCOUNT_CHURN, INACTIVITY)


@dataclass(frozen=True)
class ReadRequest:
    """The parameters, typed.

    Attributes:
        as_of: The run's now, UTC; None for the database's own clock.
        splits: Which of train, eval and score to write.
        windows: Lookback, horizon and cutoffs.
        rules: What an example holds.
        label_source: auto, account_churn or inactivity.
        churn_source: The table of ground truth, should it be there.
        rows_per_bucket: How many rows one reader may hold in memory, about.
        area_window: What counts for product areas.
        duplicate_events: collapse or keep rows that repeat another in all but their id.
    """

    as_of: datetime | None
    splits: tuple[str, ...]
    windows: Windows
    rules: ExampleRules
    label_source: str
    churn_source: ChurnSource
    rows_per_bucket: int
    area_window: AreaWindow
    duplicate_events: str

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> "ReadRequest":
        """Reads the execution properties that component.py declares.

        Raises:
            ValueError: A split, label source or treatment of duplicates that does not
                exist, or a bad as_of.
        """
        splits = tuple(json.loads(properties["splits"]))
        if not splits or not set(splits) <= set(SPLITS):
            raise ValueError(f"splits must be some of {SPLITS}, not {splits}.")
        if properties["label_source"] not in LABEL_SOURCES:
            raise ValueError(
                f"label_source must be one of {LABEL_SOURCES}, not {properties['label_source']!r}."
            )
        if properties["duplicate_events"] not in DUPLICATE_EVENTS:
            raise ValueError(
                f"duplicate_events must be one of {DUPLICATE_EVENTS}, "
                f"not {properties['duplicate_events']!r}."
            )
        lookback, horizon = properties["lookback_days"], properties["horizon_days"]
        return cls(
            as_of=parse_as_of(properties.get("as_of") or ""),
            splits=splits,
            windows=Windows(
                lookback_days=lookback,
                horizon_days=horizon,
                cutoff_interval_days=properties["cutoff_interval_days"],
                max_training_cutoffs=properties["max_training_cutoffs"],
                training_cutoffs=_moments(properties.get("training_cutoffs") or "[]"),
                eval_cutoff=parse_as_of(properties.get("eval_cutoff") or ""),
            ),
            rules=ExampleRules(lookback, horizon, properties["max_events"]),
            label_source=properties["label_source"],
            churn_source=ChurnSource(
                table=properties["churn_table"],
                account_column=properties["churn_account_column"],
                date_column=properties["churn_date_column"],
            ),
            rows_per_bucket=properties["rows_per_bucket"],
            area_window=AreaWindow(
                days=properties["area_window_days"],
                critical_priority=properties["critical_priority"],
            ),
            duplicate_events=properties["duplicate_events"],
        )


def _moments(text: str) -> tuple[datetime, ...]:
    """Parses a JSON list of ISO 8601 moments."""
    return tuple(moment for moment in map(parse_as_of, json.loads(text)) if moment)


def parse_as_of(text: str) -> datetime | None:
    """Parses an ISO 8601 moment; without a zone it is UTC, empty means None.

    Raises:
        ValueError: Not ISO 8601.
    """
    if not text:
        return None
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc).astimezone(timezone.utc)
