"""Variables of the environment that TensorFlow reads before its first operation.

One thread an operation, on whatever machine: with several it divides sums among them, so the last
bit of a probability would depend on the number of processors, and a server would not answer what a
run on another machine has published. A model is small besides: handing parts of an operation to
other threads costs more than they save.

Memory from the C library: the allocator that TensorFlow has for oneDNN never gives back what it
once held, so that all nodes after ModelTrainer would have its memory below their own.
"""

import os
from collections.abc import Mapping
from typing import Final

VARIABLES: Final[Mapping[str, str]] = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_ONEDNN_USE_SYSTEM_ALLOCATOR": "1",
}


def set_tensorflow_variables() -> None:
    """Sets those that are not set already; call before the first operation of TensorFlow."""
    for name, value in VARIABLES.items():
        os.environ.setdefault(name, value)
