"""What one run asks of FeedbackExampleGen: its settings, the splits, and the run's now."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from components.config import read_config
from components.feedback_example_gen.config import (
    FINAL,
    SCORED,
    FeedbackExampleGenConfig,
    in_utc,
)
from components.feedback_example_gen.cutoffs import EVAL, SCORE, SPLITS, TRAIN
from components.feedback_example_gen.examples import ExampleRules
from components.feedback_example_gen.reading.area_counts import AreaWindow
from components.feedback_example_gen.reading.feedback_reader import ChurnSource

AUTO: Final = "auto"
ACCOUNT_CHURN: Final = "account_churn"
INACTIVITY: Final = "inactivity"
COLLAPSE: Final = "collapse"


@dataclass(frozen=True)
class ReadRequest:
    """The parameters of the component, typed.

    Attributes:
        as_of: The run's now, UTC; None for the database's own clock.
        splits: Which of train, eval and score to write.
        config: The settings.
    """

    as_of: datetime | None
    splits: tuple[str, ...]
    config: FeedbackExampleGenConfig

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> "ReadRequest":
        """Reads the execution properties that component.py declares.

        Raises:
            ConfigInvalid: The config lacks a setting, or holds a wrong value.
            ValueError: A split that does not exist, or a bad as_of.
        """
        splits = tuple(json.loads(properties["splits"]))
        if not splits or not set(splits) <= set(SPLITS):
            raise ValueError(f"splits must be some of {SPLITS}, not {splits}.")
        return cls(
            as_of=parse_as_of(properties.get("as_of") or ""),
            splits=splits,
            config=read_config(FeedbackExampleGenConfig, properties),
        )

    @property
    def rules(self) -> ExampleRules:
        """What an example holds."""
        config = self.config
        return ExampleRules(
            config.lookback_days,
            config.horizon_days,
            config.max_events,
            active_within_days=config.active_days,
            scores_silent=config.silent_accounts == SCORED,
            churn_is_final=config.rows_after_churn == FINAL,
        )

    @property
    def scores_only(self) -> bool:
        """Whether nothing is learnt and judged."""
        return set(self.splits) <= {SCORE}

    @property
    def most_examples(self) -> dict[str, int]:
        """By split, how many examples there may be; the accounts to score have no limit."""
        config = self.config
        return {TRAIN: config.max_training_examples, EVAL: config.max_evaluation_examples}

    @property
    def churn_source(self) -> ChurnSource:
        """The table of churn dates, should it exist."""
        config = self.config
        return ChurnSource(
            config.churn_table, config.churn_account_column, config.churn_date_column
        )

    @property
    def area_window(self) -> AreaWindow:
        """What counts for product areas."""
        return AreaWindow(self.config.area_window_days, self.config.critical_priority)


def parse_as_of(text: str) -> datetime | None:
    """Parses an ISO 8601 moment; without a zone it is UTC, empty means None.

    Raises:
        ValueError: Not ISO 8601.
    """
    return in_utc(datetime.fromisoformat(text.replace("Z", "+00:00"))) if text else None
