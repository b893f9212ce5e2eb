"""The split of accounts between two models that lasts, and what came of splits."""

from dataclasses import asdict, dataclass
from typing import Any

from components.registry.rule import champion, second_of_split
from components.registry.stages import StageTransition, stages_after
from components.shadow.split_result import (
    RecordedSplit,
    SplitResult,
    recorded_splits,
    split_result,
)
from pipeline.database import consistent_read
from pipeline.registry.registry import Registry
from pipeline.settings import Settings


@dataclass(frozen=True)
class Splits:
    """What is known of splits.

    Attributes:
        lasting: The decision that holds; None without one.
        not_divided: Why the next run scores all accounts with one model nevertheless; empty where
            it does not.
        recorded: The splits by which anything was published, newest first.
        result: What came of the newest; None as long as no window of it has closed.
    """

    lasting: StageTransition | None
    not_divided: str
    recorded: tuple[RecordedSplit, ...]
    result: SplitResult | None

    def as_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return {**asdict(self), "result": self.result.as_json() if self.result else None}


def read_splits(registry: Registry, settings: Settings) -> Splits:
    """Reads which split lasts, and what came of the newest by which anything was published.

    Raises:
        DatabaseUnreachable: There is no database, or no connection to it.
        ContractBroken: A table or the right to read it is missing.
    """
    lasting = stages_after(registry.transitions()).split
    with consistent_read(settings, "models") as cursor:
        recorded = recorded_splits(cursor)
        actions = settings.outcomes.actions
        result = split_result(cursor, recorded[0], actions) if recorded else None
    return Splits(lasting, _not_divided(registry, lasting), tuple(recorded), result)


def _not_divided(registry: Registry, lasting: StageTransition | None) -> str:
    judged, transitions = registry.judged(), registry.transitions()
    if lasting is None or second_of_split(judged, transitions) is not None:
        return ""
    leader = champion(judged, transitions)
    if leader is None:
        return "there is no champion"
    return f"{leader.version} scores all accounts, since the other model may not score"
