"""What is known of one attempt to run, and where a state directory keeps it.

Each attempt has a file of its own, runs/RUN.json. While it lives its process holds a lock on
runs/RUN.alive, which the system releases however the process ends: an attempt that says it is
at work, and whose lock nobody holds, was killed.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from components.state_files import make_private, replace_text
from pipeline.runs.run_id import new_run_id

TRAIN: Final = "train"
SCORE: Final = "score"
TUNE: Final = "tune"

WAITING: Final = "waiting"
RUNNING: Final = "running"
COMPLETE: Final = "complete"
FAILED: Final = "failed"
INTERRUPTED: Final = "interrupted"
KILLED: Final = "killed"
NOT_STARTED: Final = "not started"
SILENT: Final = "no sign of life"
"""Read from the database of a run elsewhere that says it is at work; never written."""
AT_WORK: Final = (WAITING, RUNNING)
KINDS: Final = (TRAIN, SCORE, TUNE)
STATES: Final = (*AT_WORK, COMPLETE, FAILED, INTERRUPTED, KILLED, NOT_STARTED)

WAS_KILLED: Final = (
    "The process was killed, or the machine went down: nothing says how it ended. The log file "
    "shows how far it came."
)
KEPT_IN_ANY_CASE: Final = 20
"""The newest records, which are never too old."""
_NUL: Final = repr("\0")[1:-1]
_MOMENTS: Final = ("started_at", "ended_at", "seen_at")
_LISTS: Final = ("published", "warnings")
_PATHS: Final = ("log", "report")


@dataclass(frozen=True)
class RunRecord:
    """One attempt to run a pipeline.

    Attributes:
        run_id: The run's name.
        kind: train, score or tune.
        state: waiting (for another run), running, complete, failed, interrupted (by a signal
            that it could answer), killed, not started (another run was at work), or no sign of
            life (on another machine, for some minutes).
        started_at: UTC.
        ended_at: UTC; None while it is at work, and where nobody saw the end.
        run_by: User and machine, "user on host".
        pid: Of the process, on that machine.
        exit_code: Of the command; None while it is at work, and where it was killed.
        error: Class of the error; empty where there was none.
        sentence: What came of it: what was published, or the error's message.
        failed_node: The first node that failed; empty if none did, or none began.
        model_version: Of the published scores; empty where none were published.
        published: What it published, a sentence for each output table.
        warnings: What it warned of, a sentence each.
        log: Path of the log file; empty if there is none. A file of the state directory keeps its
            place in it, wherever that is moved to.
        report: Path of the evaluation report, likewise; empty if there is none.
        database: user@host:port/dbname, as far as it is known.
        state_dir: The state directory.
        seen_at: When the database last heard of it, UTC; None where it was not asked.
        in_database: Whether tens_insight.runs has it as it is here.
    """

    run_id: str
    kind: str
    state: str
    started_at: datetime
    ended_at: datetime | None = None
    run_by: str = ""
    pid: int = 0
    exit_code: int | None = None
    error: str = ""
    sentence: str = ""
    failed_node: str = ""
    model_version: str = ""
    published: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    log: str = ""
    report: str = ""
    database: str = ""
    state_dir: str = ""
    seen_at: datetime | None = None
    in_database: bool = False

    @property
    def at_work(self) -> bool:
        """Whether it has not come to its end, as far as the record says."""
        return self.state in AT_WORK

    @property
    def seconds(self) -> float | None:
        """How long it took; None where nobody saw the end."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else None

    def as_json(self) -> dict[str, Any]:
        """Returns plain values."""
        moments = {name: getattr(self, name) for name in _MOMENTS}
        return asdict(self) | {
            name: moment.isoformat() if moment else None for name, moment in moments.items()
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "RunRecord":
        """Reads what as_json returned.

        Raises:
            KeyError: A field is missing.
            TypeError: A field is not of its type.
            ValueError: A moment, kind or state is none, or a text holds what Postgres cannot.
        """
        values = {one.name: content[one.name] for one in fields(cls)}
        for name in _MOMENTS:
            values[name] = datetime.fromisoformat(values[name]) if values[name] else None
        for name in _LISTS:
            values[name] = tuple(map(str, values[name]))
        # What the table of runs does not take would keep all others from it.
        if values["kind"] not in KINDS or values["state"] not in STATES or _NUL in str(content):
            raise ValueError("no record of ours")
        return cls(**values)


class RunRecords:
    """The records of one state directory.

    Args:
        folder: Where they lie; made when the first is written.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def write(self, record: RunRecord) -> None:
        """Writes a record in place of what was there, whole or not at all.

        Raises:
            OSError: It cannot be written.
        """
        make_private(self._folder)
        content = record.as_json()
        for name in _PATHS:
            content[name] = self._in_state_dir(content[name])
        text = json.dumps(content, indent=1, ensure_ascii=False)
        replace_text(self._file(record.run_id), f"{text}\n")

    def read(self, run_id: str) -> RunRecord | None:
        """Returns a record, killed where its process is gone; None where there is none.

        A file that is torn or that this user may not read counts as none.
        """
        record = self._load(run_id)
        if record is None or not record.at_work or self._is_alive(run_id):
            return record
        # It may have come to its end since the file was read.
        record = self._load(run_id)
        if record is None or not record.at_work:
            return record
        return replace(record, state=KILLED, sentence=WAS_KILLED, in_database=False)

    def _load(self, run_id: str) -> RunRecord | None:
        try:
            content = json.loads(self._file(run_id).read_text(encoding="utf-8"))
            return self._moved_along(RunRecord.from_json(content))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def newest(self, limit: int) -> list[RunRecord]:
        """Returns the newest records, newest first."""
        names = sorted((path.stem for path in self._folder.glob("*.json")), reverse=True)
        found = (self.read(name) for name in names)
        return [record for record, _ in zip(filter(None, found), range(limit), strict=False)]

    @contextmanager
    def alive(self, run_id: str) -> Iterator[None]:
        """Says for the length of the block that the attempt's process lives.

        Raises:
            OSError: Nothing can be written to the folder.
        """
        make_private(self._folder)
        path = self._alive_file(run_id)
        unlocked = path.with_name(f".{path.name}")
        descriptor = os.open(unlocked, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # Seen by others only when it is locked: until then it would look like a killed run's.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.replace(unlocked, path)
            yield
        finally:
            with suppress(OSError):
                path.unlink()
            os.close(descriptor)

    def settle_killed(self) -> None:
        """Records attempts that were killed as killed.

        Raises:
            OSError: A record cannot be written.
        """
        for path in self._folder.glob("*.alive"):
            record = self.read(path.stem)
            if record is not None and record.state == KILLED:
                self.write(record)
            if not self._is_alive(path.stem):
                path.unlink(missing_ok=True)

    def drop_before(self, moment: datetime) -> None:
        """Removes the records of attempts that began before a moment, but for the newest.

        Raises:
            OSError: A file cannot be removed.
        """
        names = sorted((path.stem for path in self._folder.glob("*.json")), reverse=True)
        first = new_run_id(moment)  # names of later runs sort after it
        for name in names[KEPT_IN_ANY_CASE:]:
            if name < first and not self._is_alive(name):
                self._file(name).unlink(missing_ok=True)

    def _in_state_dir(self, path: str) -> str:
        folder = self._folder.parent
        return str(Path(path).relative_to(folder)) if Path(path).is_relative_to(folder) else path

    def _moved_along(self, record: RunRecord) -> RunRecord:
        folder = self._folder.parent
        log, report = (str(folder / path) if path else "" for path in (record.log, record.report))
        return replace(record, log=log, report=report, state_dir=str(folder))

    def _is_alive(self, run_id: str) -> bool:
        try:
            descriptor = os.open(self._alive_file(run_id), os.O_RDONLY)
        except FileNotFoundError:
            return False
        except OSError:  # another user's: nothing is known, so nothing is claimed
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _file(self, run_id: str) -> Path:
        return self._folder / f"{run_id}.json"

    def _alive_file(self, run_id: str) -> Path:
        return self._folder / f"{run_id}.alive"
