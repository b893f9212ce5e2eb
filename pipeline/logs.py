"""Keeps libraries from talking about what a user can do nothing about.

What they log goes to a file where a run has one, so that nothing is lost.
"""

import importlib
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from components.state_files import make_private
from pipeline.text.terminal import say

_STDERR: Final = 2

# C++ of TensorFlow (CPU features, missing CUDA libraries) and of ML Metadata (every
# connection to Postgres). Read when they are first imported.
_NATIVE: Final = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "GRPC_VERBOSITY": "ERROR",
    "GLOG_minloglevel": "3",
}
_LOUD_MODULES: Final = (
    r"google\.api_core\..*",  # end of support of Python 3.10
    r"tensorflow_model_analysis\..*",  # 0 / 0 at the ends of the precision-recall curve
    r"apache_beam\..*",
    r"tfx(_bsl)?\..*",
    r"keras\..*",
)


def silence_libraries() -> None:
    """Silences known noise at its source; call before TensorFlow is imported."""
    for name, value in _NATIVE.items():
        os.environ.setdefault(name, value)
    for module in _LOUD_MODULES:
        warnings.filterwarnings("ignore", module=module)
    for name in ("apache_beam", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)


def import_tensorflow() -> None:
    """Imports TensorFlow without a word on standard error, where progress and errors stand."""
    silence_libraries()
    import_quietly("tensorflow")


def import_quietly(name: str) -> None:
    """Imports a module, and logs what compiled code writes to standard error meanwhile.

    Since 2.21 TensorFlow greets there before any log level applies.

    Args:
        name: The module. Nothing happens where it is imported already.

    Raises:
        ImportError: As the import raises it; what was written is then logged as an error.
    """
    level = logging.ERROR
    with tempfile.TemporaryFile() as aside:
        try:
            shown = os.dup(_STDERR)
        except OSError:  # closed by the parent process
            importlib.import_module(name)
            return
        os.dup2(aside.fileno(), _STDERR)
        try:
            importlib.import_module(name)
            level = logging.INFO
        finally:
            os.dup2(shown, _STDERR)
            os.close(shown)
            aside.seek(0)
            if said := aside.read().decode(errors="replace").strip():
                logging.getLogger(__name__).log(level, "%s: %s", name, said)


@contextmanager
def logging_restored() -> Iterator[None]:
    """Gives a host program its own logging back after the block, whatever a run set up."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        for handler in set(root.handlers) - set(handlers):
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(False)


class _LogFile(logging.FileHandler):
    """A log file that says once, in a sentence, that it cannot be written: not a traceback each."""

    _told = False

    def close(self) -> None:
        """Closes the file; what it could not take was told."""
        with suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- logging calls it so
        """Takes the place of logging's own, which prints the error and all that led to it."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._told:
            self._told = True
            say(f"The log file {self.baseFilename} cannot be written: {error}", err=True)


def log_to_file(path: Path) -> None:
    """Sends what all libraries log, from INFO on, to a file and nowhere else.

    Args:
        path: The file; its folder is made.
    """
    make_private(path.parent)
    handler = _LogFile(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    import absl.logging

    # TFX reads this flag back and forth; set here, its INFO lines reach the file.
    absl.logging.set_verbosity(absl.logging.INFO)
    logging.getLogger("absl").handlers[:] = []
    logging.getLogger("tensorflow").handlers[:] = []
