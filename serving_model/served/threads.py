"""How many threads an operation of TensorFlow may use: one, on whatever machine.

With several it divides sums among them, so the last bit of a probability would depend on the number
of processors, and a server would not answer what a run on another machine has published. A model
is small besides: handing parts of an operation to other threads costs more than they save.
"""

import os
from typing import Final

VARIABLE: Final = "TF_NUM_INTRAOP_THREADS"
"""TensorFlow reads it before its first operation."""


def one_thread_an_operation() -> None:
    """Sets it, unless it is set already; call before the first operation of TensorFlow."""
    os.environ.setdefault(VARIABLE, "1")
