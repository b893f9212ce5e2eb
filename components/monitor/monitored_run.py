"""What the steps of Monitor are given: one run whose scores are published."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from components.data_checker.checks import Check
from components.monitor.config import MonitorConfig
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import ModelProperties
from components.registry.node_costs import NodeCost
from components.registry.published_properties import PublishedScoresProperties


@dataclass(frozen=True)
class MonitoredRun:
    """A run whose scores are published.

    Attributes:
        run_id: The run's name.
        data: What was read.
        examples: Folder of the split `score`.
        checks: Of the data gate; those that compare with training are about the champion's.
        known_words: Those that training has, by the name of the feature; None where the statistics
            of what the champion learnt from are not there.
        published: What was published.
        scores: Folder of the shards of scores, see account_scorer/scored_shard.py.
        champion: What the model, or the cold-start rule, says of itself.
        model: Folder of its SavedModel.
        costs: What the nodes before this one took; empty where the runner writes nothing down.
        config: The settings.
    """

    run_id: str
    data: ExamplesProperties
    examples: str
    checks: tuple[Check, ...]
    published: PublishedScoresProperties
    scores: str
    champion: ModelProperties
    model: str
    costs: tuple[NodeCost, ...]
    config: MonitorConfig
    known_words: Mapping[str, frozenset[str]] | None = None

    @property
    def as_of(self) -> datetime:
        """The moment that the scores speak of, UTC."""
        return datetime.fromisoformat(self.published.as_of)


@dataclass(frozen=True)
class Noticed:
    """What a step says in the summary of the run.

    Attributes:
        measures: How many values it wrote.
        alarms: One sentence for each alarm that is open.
        notes: Other sentences.
    """

    measures: int = 0
    alarms: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __add__(self, other: "Noticed") -> "Noticed":
        return Noticed(
            self.measures + other.measures,
            self.alarms + other.alarms,
            self.notes + other.notes,
        )


Step = Callable[[MonitoredRun], Noticed]
"""Reads and writes in connections of its own; done again, it leaves the same rows."""
