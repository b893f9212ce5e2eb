"""Brings an error of ours back out of a Beam pipeline.

Beam adds the step's name to the text of what a worker raised, and runners that
work in another process hand over the text alone, inside a RuntimeError: the class is
gone, and with it the exit code.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from components import errors

_OURS = re.compile(r"^components\.[\w.]*\b(\w+): (.*)$", re.M)
_STEP = re.compile(r" \[while running .*?\]$", re.M)


@contextmanager
def original_error() -> Iterator[None]:
    """Raises the TensInsightError inside a Beam error, if there is one."""
    try:
        yield
    except errors.TensInsightError as error:
        raise type(error)(_STEP.sub("", str(error))) from None
    except Exception as error:
        found = _OURS.search(str(error))
        if found is None:
            raise
        kind = getattr(errors, found.group(1), errors.TensInsightError)
        raise kind(_STEP.sub("", found.group(2))) from None
