"""A pipeline of Beam that asks the workers of a runner what they are and what they see.

Its answers are files in the folder of the artifacts: that they arrive is part of the answer. It
runs in a process of its own, which can be ended when an engine never comes back:

    python -m pipeline.runners.probe FOLDER TASKS ARGUMENT...

The folder may be one of a bucket. Then the same program first tries from here what runs do there:

    python -m pipeline.runners.probe FOLDER
"""

import json
import os
import platform
import shutil
import socket
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import apache_beam as beam

from pipeline.runners.config import is_address

QUESTION: Final = "question.json"
_ANSWER: Final = "answer-"
_TOLD: Final = 600
"""Characters of an error of a file system."""
_PAUSE_S: Final = 0.3
"""Of a task: with less, one worker may have done them all before another one asks."""


@dataclass(frozen=True)
class Answer:
    """What a worker is.

    Attributes:
        host: Its name.
        process: Its number there.
        python: Version of the interpreter.
        beam: Version of Beam's SDK.
        code: Version of the code that decides a model; empty if it is not installed.
        python_on_path: What `python` is there; empty for nothing.
        sees_folder: Whether it sees what the asking process wrote.
        tells_database: Whether its environment holds the address of a database.
    """

    host: str
    process: int
    python: str
    beam: str
    code: str
    python_on_path: str
    sees_folder: bool
    tells_database: bool


def answer_here(folder: str) -> Answer:
    """Returns what this process is."""
    from pipeline.code_version import code_version

    return Answer(
        host=socket.gethostname(),
        process=os.getpid(),
        python=platform.python_version(),
        beam=beam.__version__,
        code=code_version(),
        python_on_path=shutil.which("python") or "",
        sees_folder=_sees(folder),
        tells_database=bool(os.environ.get("DATABASE_URL") or os.environ.get("PGHOST")),
    )


class Ask(beam.DoFn):
    """Writes what its worker is, and yields it too."""

    def __init__(self, folder: str):
        self._folder = folder

    def process(self, number: int) -> Iterator[str]:
        """Answers once."""
        time.sleep(_PAUSE_S)
        answer = answer_here(self._folder)
        text = json.dumps(asdict(answer))
        if answer.sees_folder:
            _write(self._folder, f"{_ANSWER}{number}-{uuid.uuid4().hex}.json", text)
        yield text


def run_probe(folder: str, tasks: int, arguments: Sequence[str]) -> None:
    """Asks the workers of a runner.

    Args:
        folder: Exists, in the folder of the artifacts.
        tasks: How many pieces of work there are.
        arguments: Beam's.
    """
    with beam.Pipeline(argv=list(arguments)) as pipeline:
        _ = (
            pipeline
            | "ListTasks" >> beam.Create(range(tasks))
            | "SpreadTasks" >> beam.Reshuffle()
            | "AskWorkers" >> beam.ParDo(Ask(folder))
        )


def read_answers(folder: str) -> list[Answer]:
    """Returns what arrived."""
    if not is_address(folder):
        found = [path.read_text(encoding="utf-8") for path in Path(folder).glob(f"{_ANSWER}*")]
    else:
        names = [name for name in _remote().listdir(folder) if name.startswith(_ANSWER)]
        found = [_read(folder, name) for name in names]
    return [Answer(**json.loads(text)) for text in found]


def try_folder(folder: str) -> str:
    """Does with a folder of a bucket what runs do: make, write, rename, list, read, remove.

    Args:
        folder: Does not exist; it is left behind where a step failed.

    Returns:
        Which step failed and how, in a line; empty where none did.
    """
    files, step = _remote(), "made"
    try:
        files.makedirs(folder)
        step = "written to"
        _write(folder, "attempt", QUESTION)
        step = "renamed in"
        files.rename(f"{folder}/attempt", f"{folder}/{QUESTION}", overwrite=True)
        step = "listed"
        if QUESTION not in files.listdir(folder):
            return f"{folder} cannot be {step}: what was just written is not there"
        step = "read"
        _read(folder, QUESTION)
        step = "removed"
        files.rmtree(folder)
    except Exception as error:  # each file system has errors of its own
        said = " ".join(str(error).split())[:_TOLD]
        return f"{folder} cannot be {step}: {type(error).__name__}: {said}"
    return ""


def make_folder(folder: str) -> None:
    """Makes a folder of a bucket that workers are asked about."""
    _remote().makedirs(folder)
    _write(folder, QUESTION, "{}")


def remove_folder(folder: str) -> None:
    """Removes a folder of a bucket."""
    _remote().rmtree(folder)


def _sees(folder: str) -> bool:
    if not is_address(folder):
        return (Path(folder) / QUESTION).exists()
    return bool(_remote().exists(f"{folder}/{QUESTION}"))


def _write(folder: str, name: str, text: str) -> None:
    if not is_address(folder):
        (Path(folder) / name).write_text(text, encoding="utf-8")
        return
    with _remote().open(f"{folder}/{name}", "w") as file:
        file.write(text)


def _read(folder: str, name: str) -> str:
    with _remote().open(f"{folder}/{name}", "r") as file:
        return str(file.read())


def _remote() -> Any:
    """Returns TFX's access to files, as the stages have it; a folder of this machine needs none."""
    from tfx.dsl.io import fileio

    return fileio


if __name__ == "__main__":
    # Beam pickles classes of the main program by value, and others by name.
    from pipeline.runners import probe

    if len(sys.argv) > 2:
        probe.run_probe(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
    elif problem := probe.try_folder(sys.argv[1]):
        sys.exit(problem)
