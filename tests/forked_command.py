"""Commands in children of a process that has TensorFlow and TFX loaded.

A fresh interpreter spends six seconds of CPU on importing TFX. Here one process, the fork server
of multiprocessing, imports it once; each command then runs in a fork of that process, which
never ran anything: with an environment, arguments, a folder and standard streams of its own.
"""

import gc
import io
import logging
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any
from weakref import WeakKeyDictionary

PRELOADED = [
    "tfx.components",
    "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_entrypoint_utils",
    "pipeline.commands.run",
    "pipeline.scoring",
    "pipeline.training",
    "pipeline.tuning",
]
"""What every command may find imported; none of them runs an operation of TensorFlow's."""

FORK = "__fork__"
"""Name of this module in a fork."""

_lock = threading.Lock()
"""Starting a process asks after all others: two threads may not read one exit code at once."""
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(PRELOADED)


@dataclass(frozen=True)
class Finished:
    """How a command ended: its exit code, standard output and standard error."""

    code: int
    out: str
    err: str


def run_fresh(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    folder: Path | None = None,
    timeout: float = 1800,
) -> Finished:
    """Runs a command in a fresh process; arguments as of `run_module`."""
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=timeout
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def run_module(
    module: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path | None = None,
    timeout: float = 1800,
) -> Finished:
    """Does what `python -m module arguments` does in a fresh process.

    Args:
        module: Name of a module with a main program.
        arguments: The command line after it.
        environment: All environment variables of the command.
        folder: Its working directory; default: that of this process.
        timeout: Seconds after which the command is killed.

    Raises:
        TimeoutError: The command was killed.
    """
    with tempfile.TemporaryDirectory(prefix="tens-insight-command-") as streams:
        out, err = Path(streams, "out"), Path(streams, "err")
        request = (module, list(arguments), dict(environment), folder or Path.cwd(), out, err)
        # By its path: another package named tests may come first among what can be imported.
        process = _context.Process(
            target=runpy.run_path,
            args=(__file__,),
            kwargs={"init_globals": {"REQUEST": request}, "run_name": FORK},
        )
        with _lock:
            process.start()
        deadline = time.monotonic() + timeout
        while (code := _ended(process)) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        if code is None:
            process.kill()
            raise TimeoutError(f"{module} {arguments} ran for {timeout} s: {err.read_text()}")
        assert err.exists(), f"the fork for {module} {arguments} never began"
        return Finished(code, out.read_text(), err.read_text())


def _ended(process: BaseProcess) -> int | None:
    with _lock:
        return process.exitcode


def _main(
    module: str,
    arguments: list[str],
    environment: dict[str, str],
    folder: Path,
    out: Path,
    err: Path,
) -> None:
    """Runs in the fork: makes it what a fresh process would be, and never returns."""
    keep_level_of_dill()
    remember_arguments()
    gc.freeze()  # what was imported stays: looking through it would only copy its pages
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdout = sys.__stdout__ = _stream(out, 1, "strict")
    sys.stderr = sys.__stderr__ = _stream(err, 2, "backslashreplace")
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.argv = [module, *arguments]
    code = _exit_code(module)
    remove_generated_code()
    os._exit(code)


def stop_server() -> None:
    """Ends the process that commands are forked from, if there is one, and waits for it."""
    forkserver._forkserver._stop()  # as a process that ends does, but without waiting


def remove_generated_code() -> None:
    """Removes the files of code that TensorFlow's autograph wrote in this process.

    It removes them when the interpreter ends, which a fork that ends at once does not do, and
    leaves what Python compiled of them in any case.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith("__autograph_generated_file"):
            for path in (module.__file__, module.__cached__):
                Path(path or "").unlink(missing_ok=True)


def keep_level_of_dill() -> None:
    """Keeps Beam's pickler from setting its logger's level twice for each object.

    Upon a change of level, logging forgets what it knows of every logger: with TFX's two
    thousand that is a tenth of the time of a pipeline of Beam's.
    """
    logger = logging.getLogger("dill")
    logger.setLevel(logging.WARNING)
    logger.setLevel = lambda level: None  # type: ignore[method-assign]


def remember_arguments() -> None:
    """Keeps Beam from inspecting the same few functions again at each of its steps.

    That takes a fifth of the time of a small pipeline. What is found depends on the function, and
    on whether its first argument is bound.
    """
    from apache_beam.transforms import core

    inspected = core.get_function_args_defaults
    known: WeakKeyDictionary[Any, dict[bool, tuple[list[str], list[Any]]]] = WeakKeyDictionary()

    def remembered(function: Any) -> tuple[list[str], list[Any]]:
        bound = isinstance(function, MethodType)
        inner = function.__func__ if bound else function
        if not isinstance(inner, FunctionType):
            return inspected(function)
        found = known.setdefault(inner, {})
        if bound not in found:
            found[bound] = inspected(function)
        names, defaults = found[bound]
        return list(names), list(defaults)

    core.get_function_args_defaults = remembered


def _stream(path: Path, number: int, errors: str) -> io.TextIOWrapper:
    """Makes a file what the descriptor stands for, also to libraries in C."""
    with path.open("wb") as file:
        os.dup2(file.fileno(), number)
    raw = io.FileIO(number, "w", closefd=False)
    line_buffering = number == 2
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding="utf-8", errors=errors, line_buffering=line_buffering
    )


def _exit_code(module: str) -> int:
    """Runs the module as the main program; returns what the interpreter would exit with."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as leaving:
        code = leaving.code
        if isinstance(code, str):
            sys.stderr.write(f"{code}\n")
            code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code or 0


if __name__ == FORK:
    _main(*globals()["REQUEST"])
