"""A pipeline of Beam that asks the workers of a runner what they are and what they see.

Its answers are files in the folder of the artifacts: that they arrive is part of the answer. It
runs in a process of its own, which can be ended when an engine never comes back:

    python -m pipeline.runners.probe FOLDER TASKS ARGUMENT...
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
from typing import Final

import apache_beam as beam

QUESTION: Final = "question.json"
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
        sees_folder=(Path(folder) / QUESTION).exists(),
        tells_database=bool(os.environ.get("DATABASE_URL") or os.environ.get("PGHOST")),
    )


class Ask(beam.DoFn):
    """Writes what its worker is, and yields it too."""

    def __init__(self, folder: str):
        self._folder = folder

    def process(self, number: int) -> Iterator[str]:
        """Answers once."""
        time.sleep(_PAUSE_S)
        text = json.dumps(asdict(answer_here(self._folder)))
        if Path(self._folder).is_dir():
            (Path(self._folder) / f"answer-{number}-{uuid.uuid4().hex}.json").write_text(text)
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


def read_answers(folder: Path) -> list[Answer]:
    """Returns what arrived."""
    return [
        Answer(**json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(folder.glob("answer-*.json"))
    ]


if __name__ == "__main__":
    # Beam pickles classes of the main program by value, and others by name.
    from pipeline.runners import probe

    probe.run_probe(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
