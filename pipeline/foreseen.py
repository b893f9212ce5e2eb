"""Errors of libraries that can be foreseen, as sentences: full disks, damaged files, locks."""

import errno
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg2

from components.errors import StateDirectoryBusy, StateUnusable, TensInsightError
from components.postgres.failures import place_of, translation
from pipeline.runners.errors import ClusterUnusable
from pipeline.settings import variable

_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)
_NOT_WRITTEN: Final = (
    *_NO_ROOM,
    errno.ENOTDIR,
    errno.EACCES,
    errno.EROFS,
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
)
_NO_ROOM_SAID: Final = ("No space left on device", "Disk quota exceeded", "disk is full")
_LOCKED_SAID: Final = ("database is locked", "Concurrent writes aborted")
_STORE_SAID: Final = ("disk image is malformed", "file is not a database", "disk I/O error")
_READING: Final = (
    OSError,
    UnicodeDecodeError,
    json.JSONDecodeError,
    EOFError,
)
_READING_NAMES: Final = frozenset(
    {"NotFoundError", "DataLossError", "DecodeError", "ArrowInvalid", "OutOfRangeError"}
)
"""Classes of TensorFlow, protobuf and Arrow, which this module does not import."""
_LONGEST: Final = 300
_OF_WORKER: Final = "[while running '"
"""What Beam adds to the error of a step."""
_GAVE_UP: Final = re.compile(r"^Pipeline \S+ failed in state [A-Z]+")
_NOT_STARTED: Final = "Service failed to start up"


def foreseen(error: BaseException) -> TensInsightError | None:
    """Returns what a library's error means; None where it means nothing that is known.

    Args:
        error: As raised; its causes are looked at too.
    """
    if isinstance(error, TensInsightError):
        return None
    for one in _causes(error):
        if isinstance(one, psycopg2.Error):
            return _of_postgres(one)
        if engine := _of_engine(one):
            return engine
        said = _short(one)
        if _code(one) in _NOT_WRITTEN or any(word in said for word in _NO_ROOM_SAID):
            return _not_written(one, said)
        if any(word in said for word in _LOCKED_SAID):
            return StateDirectoryBusy(
                f"ML Metadata is locked by another program: {said}. End it, then run again."
            )
        if any(word in said for word in _STORE_SAID):
            return StateUnusable(
                f"ML Metadata cannot be used any more: {said}. Restore the state directory and the "
                "database from one backup (docs/state.md)."
            )
    return None


def _of_postgres(error: psycopg2.Error) -> TensInsightError | None:
    """Returns what an error means that reached the top as psycopg2 raised it."""
    connection = error.cursor.connection if error.cursor is not None else None
    if connection is None or connection.closed:
        return None
    return translation(error, place_of(connection))


def _of_engine(error: BaseException) -> ClusterUnusable | None:
    """Returns what an error of Beam's engine means; None for one that a worker's code raised."""
    text = str(error)
    if _OF_WORKER in text:
        if "MemoryError" not in text:
            return None
        return ClusterUnusable(
            f"A worker needed more memory than it may take. Set {variable('beam_worker_memory_mb')}"
            f" higher, or {variable('rows_per_bucket')} lower, then run again. Nothing was "
            "published by it."
        )
    if type(error).__module__.partition(".")[0] == "grpc":
        what = f"does not answer ({type(error).__name__})"
    elif _GAVE_UP.match(text):
        what = f"gave up a job: ...{text.strip()[-_LONGEST:]}"
    elif isinstance(error, RuntimeError) and _NOT_STARTED in text:
        what = f"has no job server: {_short(error)}"
    elif isinstance(error, FileNotFoundError) and error.filename == "java":
        what = "has no job server: it needs Java, and `java` is not on PATH"
    else:
        return None
    return ClusterUnusable(
        f"The engine of Beam {what}. Run `tens-insight cluster doctor`, then run again. Nothing "
        "was published by what it should have computed."
    )


def unreadable_input(error: BaseException, inputs: dict[str, str]) -> StateUnusable | None:
    """Returns the error for a kept artifact that a node could not read; None if all are there.

    Args:
        error: What the node ended with.
        inputs: Folders of those that earlier runs made, by the node that made them.
    """
    if isinstance(error, TensInsightError):
        return None
    for maker, folder in inputs.items():
        lacking = _lacking(folder)
        if lacking:
            return StateUnusable(f"What {maker} made and a run kept is {lacking}. {_cure(maker)}")
    text = " ".join(_short(one, longest=10_000) for one in _causes(error))
    for maker, folder in inputs.items():
        if folder in text:
            return StateUnusable(
                f"What {maker} made and a run kept in {folder} cannot be read: {_short(error)}. "
                f"{_cure(maker)}"
            )
    if inputs and any(_is_of_reading(one) for one in _causes(error)):
        named = "; ".join(f"{folder} of {maker}" for maker, folder in inputs.items())
        return StateUnusable(
            f"One of the artifacts that earlier runs kept cannot be read ({_short(error)}): "
            f"{named}. {_cure(*inputs)}"
        )
    return None


_TUNER: Final = "ModelTuner"


def _cure(*makers: str) -> str:
    """Says how to go on without what these nodes made."""
    again = "run `tens-insight run train`, which makes all of them again"
    if any(maker.startswith(_TUNER) for maker in makers):
        again = (
            f"run `tens-insight run tune`, or set {variable('hyperparameters')}=settings, with "
            "which training does without"
        )
    return f"Restore the state directory from a backup (docs/state.md), or {again}."


def _lacking(folder: str) -> str:
    """Says what is wrong with the files of a folder at first sight; empty if nothing is."""
    if "://" in folder:
        return ""
    if not Path(folder).is_dir():
        return f"gone: {folder} does not exist"
    return "" if any(Path(folder).iterdir()) else f"gone: {folder} is empty"


def _is_of_reading(error: BaseException) -> bool:
    return isinstance(error, _READING) or type(error).__name__ in _READING_NAMES


def _not_written(error: BaseException, said: str) -> StateUnusable:
    name = getattr(error, "filename", None)
    at = f" at {name}" if name else ""
    full = _code(error) in _NO_ROOM or any(word in said for word in _NO_ROOM_SAID)
    cure = "Make room on that disk" if full else "Mend what keeps it from that"
    return StateUnusable(
        f"Something could not be written or read{at}: {said}. Nothing half-done is shown. {cure}, "
        f"or set {variable('state_dir')} to a folder of another disk, then run again."
    )


def _code(error: BaseException) -> int | None:
    return error.errno if isinstance(error, OSError) else None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _short(error: BaseException, longest: int = _LONGEST) -> str:
    text = re.sub(r"\s+", " ", str(error)).partition(" query: ")[0].strip().rstrip(".")
    shown = text if len(text) <= longest else f"{text[:longest]}..."
    return shown or type(error).__name__
