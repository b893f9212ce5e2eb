"""Loads TensorFlow and TFX for a run."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.logs import import_tensorflow


@contextmanager
def loading_tfx() -> Iterator[None]:
    """Imports TensorFlow, then lets the block import what builds on it.

    The garbage collector is paused meanwhile: the million objects that are made stay, and looking
    through them again and again takes a quarter of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        import_tensorflow()
        yield
    finally:
        if enabled:
            gc.enable()
