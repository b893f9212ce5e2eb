"""Keeps aside what TensorFlow writes to standard error while it is imported.

Since 2.21 it greets with what it was built for before any log level applies. Progress and errors
are for people, and stand on standard error alone.
"""

import contextlib
import importlib.abc
import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import BinaryIO, Final

_STDERR: Final = 2


def import_quietly(name: str) -> None:
    """Arranges that the module is quiet when it is imported, whoever does that.

    Args:
        name: Of a top-level module. One that is imported already stays as it is.
    """
    waiting = any(isinstance(one, _Finder) and one.name == name for one in sys.meta_path)
    if name not in sys.modules and not waiting:
        sys.meta_path.insert(0, _Finder(name))


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one module, once, as the finders after it do."""

    def __init__(self, name: str):
        self.name = name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader):
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        with _standard_error_aside(module.__name__):
            self._loader.exec_module(module)


@contextlib.contextmanager
def _standard_error_aside(name: str) -> Iterator[None]:
    """Logs what the block writes to the file descriptor; shows it where the block fails."""
    with contextlib.ExitStack() as stack:
        try:
            shown = os.fdopen(os.dup(_STDERR), "wb", buffering=0)
        except OSError:  # closed by whoever started this process
            yield
            return
        stack.enter_context(shown)
        aside = stack.enter_context(tempfile.TemporaryFile())
        os.dup2(aside.fileno(), _STDERR)
        try:
            yield
        except BaseException:
            shown.write(_read(aside))
            raise
        finally:
            os.dup2(shown.fileno(), _STDERR)
        if said := _read(aside):
            logging.getLogger(__name__).info("%s: %s", name, said.decode(errors="replace"))


def _read(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()
