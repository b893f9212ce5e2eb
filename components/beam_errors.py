"""Brings an error of ours back out of a Beam pipeline.

Beam adds the step's name to the text of what a worker raised, and runners that
work in another process hand over the text alone, inside a RuntimeError: the class is
gone, and with it the exit code.
"""

import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from components.errors import TensInsightError

_STEP: Final = re.compile(r" \[while running '[^\n]*\]\s*\Z")
_OURS: Final = re.compile(r"^(components[\w.]*)\.(\w+): ", re.M)
_END: Final = re.compile(r" \[while running '|\s*\Z")


@contextmanager
def original_error() -> Iterator[None]:
    """Raises the TensInsightError inside a Beam error, if there is one."""
    try:
        yield
    except TensInsightError as error:
        raise type(error)(_STEP.sub("", str(error))) from None
    except Exception as error:
        original = _error_in(str(error))
        if original is None:
            raise
        raise original from None


def _error_in(text: str) -> TensInsightError | None:
    """Finds the last error of ours in a traceback: those before it are its causes."""
    for header in reversed(list(_OURS.finditer(text))):
        module, name = header.groups()
        kind = _error_class(module, name)
        end = _END.search(text, header.end())
        if kind is not None and end is not None:
            return kind(text[header.end() : end.start()])
    return None


def _error_class(module: str, name: str) -> type[TensInsightError] | None:
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None
    return found if isinstance(found, type) and issubclass(found, TensInsightError) else None
