"""Raises what TFX only logs: that the inputs of a node could not be resolved.

The launcher records such a node as failed and returns as if it had run, so that the
next nodes would go on with less: a challenger would be judged without its champion.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tfx.orchestration.portable.input_resolution.exceptions import InputResolutionError

from components.errors import TensInsightError


@contextmanager
def input_errors_raised() -> Iterator[None]:
    """Raises, at the end of its block, the first such error that was logged in it.

    Raises:
        TensInsightError: The cause, if it is an error of ours.
        InputResolutionError: Else, with its cause chained.
    """
    listener = _Listener()
    logger = logging.getLogger("absl")
    logger.addHandler(listener)
    other: Exception | None = None
    try:
        yield
    except Exception as error:
        other = error  # such as that the failure could not even be recorded
    finally:
        logger.removeHandler(listener)
    if listener.error is not None:
        raise _cause(listener.error)
    if other is not None:
        raise other


class _Listener(logging.Handler):
    """The launcher reports these errors by log records only."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.error: InputResolutionError | None = None

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if self.error is None and isinstance(error, InputResolutionError):
            self.error = error


def _cause(error: BaseException) -> BaseException:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TensInsightError):
            return cause
        cause = cause.__cause__
    return error
