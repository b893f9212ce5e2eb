"""Loads TensorFlow and TFX for a run."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.logs import import_tensorflow


@contextmanager
def loading_tfx() -> Iterator[None]:
    """Imports TensorFlow, then lets the block import what builds on it.

    The million objects that are made stay. So the garbage collector is paused meanwhile, which
    would take a quarter of the time, and passes over them later. A process that has TensorFlow
    already, such as a notebook, keeps its collector's view of what it made itself.
    """
    first, enabled = "tensorflow" not in sys.modules, gc.isenabled()
    gc.disable()
    try:
        import_tensorflow()
        yield
    finally:
        if first:
            gc.freeze()
        if enabled:
            gc.enable()
