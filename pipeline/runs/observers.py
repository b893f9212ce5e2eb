"""Who is told when an attempt to run begins and ends, beside its record.

An observer looks on: whatever it does, the run goes on and ends as it would without it.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from pipeline.runs.record import RunRecord
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.runs.summary import RunSummary

_log = logging.getLogger(__name__)


class RunObserver(Protocol):
    """Is told of one attempt, from its own process; a killed one tells nothing of its end.

    Neither call may keep the run waiting for longer than the timeouts of its settings.
    """

    def began(self, record: RunRecord) -> None:
        """The attempt is alone on the state directory and begins to work."""

    def ended(self, record: RunRecord, result: "RunSummary | None") -> Sequence[str]:
        """The attempt has ended, whether it began or not; its record is written.

        Args:
            record: How it ended.
            result: What a run that published says; None for any other.

        Returns:
            What this observer could not do, a sentence each, without any secret.
        """


class Observers:
    """All observers of an attempt, each for itself.

    Args:
        every: The observers.
    """

    def __init__(self, every: Sequence[RunObserver]):
        self._every = every

    def began(self, record: RunRecord) -> None:
        """Tells all of them that the attempt begins to work."""
        for one in self._every:
            try:
                one.began(record)
            except Exception as error:
                _log.warning("%s", _failed(one, error))

    def ended(self, record: RunRecord, result: "RunSummary | None") -> tuple[str, ...]:
        """Tells all of them that it has ended; returns what they could not do."""
        problems: list[str] = []
        for one in self._every:
            try:
                problems += one.ended(record, result)
            except Exception as error:
                problems.append(_failed(one, error))
        return tuple(problems)


def observers_of(settings: Settings) -> Observers:
    """Returns those whom the settings ask for.

    Args:
        settings: Of the run.
    """
    from pipeline.telemetry.observer import Telemetry

    return Observers([Telemetry(settings)])


def _failed(one: RunObserver, error: Exception) -> str:
    """Names the error's class alone: its text may hold an address with a secret."""
    return f"{type(one).__name__} failed with an unexpected {type(error).__name__}."
