"""What a run can end with, other than success.

Each message says what was wrong, where, what was expected and what to do next:
it is shown to people as it stands, without a traceback.
"""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any


def did_you_mean(name: str, known: Iterable[str], most: int = 1, cutoff: float = 0.6) -> str:
    """Returns " Did you mean a or b?"; empty where no known name is similar.

    Args:
        name: What was given.
        known: What there is, in order of preference among equals.
        most: Names to suggest at most.
        cutoff: Least similarity of a suggestion, [0, 1].
    """
    return suggestion(difflib.get_close_matches(name, list(known), n=most, cutoff=cutoff))


def suggestion(names: Sequence[str]) -> str:
    """Returns " Did you mean a or b?"; empty where there are no names."""
    return f" Did you mean {' or '.join(names)}?" if names else ""


class TensInsightError(RuntimeError):
    """The run cannot go on, for a reason that its user can act on.

    Attributes:
        facts: What a program that reads the error as JSON gets beside the message.
    """

    def __init__(self, *arguments: object):
        super().__init__(*arguments)
        self.facts: dict[str, Any] = {}


class DatabaseUnreachable(TensInsightError):
    """No connection: wrong address, wrong password, server down, or lost in mid-run."""


class BrokerUnreachable(TensInsightError):
    """No broker of Kafka answers, it refuses us, or the topic is not there."""


class AddressInvalid(TensInsightError):
    """What names a database is wrong in itself: nobody was asked, and nobody need be again."""


class ContractBroken(TensInsightError):
    """A table, column, type or privilege that the contract promises is not there."""


class DataGateStopped(TensInsightError):
    """The data are too thin, too old or too strange to learn from or to score."""


class NothingToPublish(TensInsightError):
    """The challenger was not blessed and there is no champion to score with."""


class PublicationRefused(TensInsightError):
    """The scores failed a check; the published table is as it was before."""


class StateUnusable(TensInsightError):
    """A file that a run kept is gone, damaged, or cannot be written."""


class StateDirectoryBusy(TensInsightError):
    """Another run is at work on the same state directory."""


class UnknownModel(TensInsightError):
    """No model has the version that was asked for."""


class UnknownAccount(TensInsightError):
    """No account of this id has a score."""


class TransitionRefused(TensInsightError):
    """A promotion, withdrawal or pin that contradicts the gate or one that holds."""


class RegistryInconsistent(TensInsightError):
    """ML Metadata says what cannot be, such as two models of one version."""


class OtherDatabase(TensInsightError):
    """Models and state belong to another database than the one that is named."""


class ReportNotFound(TensInsightError):
    """There is no evaluation report of that model, or its files are gone."""
