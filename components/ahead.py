"""Work of nodes beside that of others, where nodes run one after the other in one process.

Work of later nodes is begun while an earlier node waits for the database. Publishing leaves a
processor idle, and what looks at the publication afterwards needs much that does not depend on it.
That much is begun early; a node takes what came of it. It does the work itself where nobody began
it, such as in a process of its own on Kubeflow, or where it failed: so errors, and what is tried
again, are those of the node.

Work that no node waits for is left to go on beside the nodes that follow, until the end of the run.
"""

import logging
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

_Found = TypeVar("_Found")
Work = Callable[[], Any]
Piece = tuple[Hashable, Work]
"""By which name the result is taken, and the work. It only reads: nobody may take it."""
Follower = Callable[[Any], Iterable[Piece]]
"""Names the pieces that can be begun, given what an earlier node made; none of what it does not
know."""

_LONGEST_END_S: Final = 10.0
"""So long the end of a run waits at most for work that nobody took."""
_log = logging.getLogger(__name__)


class NotWanted(Exception):
    """The run has ended: nobody takes the result any more."""


@dataclass
class _Begun:
    """A piece that was begun.

    Attributes:
        ended: Set when it has ended.
        found: What came of it; empty if it failed.
    """

    ended: threading.Event = field(default_factory=threading.Event)
    found: list[Any] = field(default_factory=list)


_followers: Final[list[Follower]] = []
_begun: Final[dict[Hashable, _Begun]] = {}
_threads: Final[list[threading.Thread]] = []
_ended: Final = threading.Event()
_aside: Final[list[threading.Thread]] = []


@contextmanager
def followed_by(followers: Iterable[Follower]) -> Iterator[None]:
    """Lets work be begun early in its block, in which the nodes that take it run too.

    At its end it waits for what was left to go on aside, and for a while for what nobody took: a
    thread that is inside of a library in C++ can abort a process that ends.

    Args:
        followers: Of the nodes that come later.
    """
    _followers[:] = followers
    _ended.clear()
    try:
        yield
    finally:
        _ended.set()
        while _aside:
            _aside.pop().join()
        while _threads:
            _threads.pop().join(_LONGEST_END_S)
        _followers.clear()
        _begun.clear()


def begin(made: Any) -> None:
    """Begins what can be begun, one piece after the other; nothing where no node follows.

    The thread does not hold back the end of the process: killed, a run ends as it would without.

    Args:
        made: What the followers are given.
    """
    begun = []
    for follower in _followers:
        for key, work in follower(made):
            begun.append((_Begun(), work))
            _begun[key] = begun[-1][0]
    if begun:
        _threads.append(threading.Thread(target=_work, args=(begun,), name="ahead", daemon=True))
        _threads[-1].start()


def require_wanted() -> None:
    """Ends a piece that takes long, where the run has ended without taking it.

    Raises:
        NotWanted: It has.
    """
    if _ended.is_set():
        raise NotWanted("The run has ended.")


def aside(work: Callable[[], None]) -> None:
    """Does work that no node waits for, beside those that follow; at once where none does.

    Args:
        work: It tells its failures itself.
    """
    if not _followers:
        work()
        return
    thread = threading.Thread(target=work, name="aside", daemon=True)
    _aside.append(thread)
    thread.start()


def taken(key: Hashable, work: Callable[[], _Found]) -> _Found:
    """Returns what came of a piece, once; does the work here where nobody has.

    Args:
        key: Name of the piece.
        work: What was to be begun.

    Raises:
        Exception: What `work` raises.
    """
    begun = _begun.pop(key, None)
    if begun is not None:
        begun.ended.wait()
        if begun.found:
            found: _Found = begun.found[0]
            return found
    return work()


def _work(pieces: list[tuple[_Begun, Work]]) -> None:
    for begun, work in pieces:
        try:
            require_wanted()
            begun.found.append(work())
        except Exception as error:  # whatever it is: the node tries again, and tells it
            _log.info("Work that was begun early failed: %s", error)
        finally:
            begun.ended.set()
