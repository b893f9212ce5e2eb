"""How each sink did when it was asked last: of alerts, and of metrics, pings and lineage.

Alerts of kind sink_failed and metrics follow from it. Kept in the state directory, because a sink
may fail while the database is away.
"""

import fcntl
import json
import logging
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from components.alerts.alert import SINK_FAILED, Alert, sink_key
from components.alerts.alert_table import Looked
from components.state_files import make_private, replace_text

_FILE: Final = "sinks.json"
_LOCK: Final = "sinks.lock"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SinkNote:
    """How a sink did.

    Attributes:
        problem: Why it did not take what it was sent last, without secrets; empty if it did.
        took_at: When it last took something, UTC; None if it never did.
    """

    problem: str
    took_at: datetime | None = None


def note_sinks(folder: Path, problems: Mapping[str, str], gone: Collection[str] = ()) -> None:
    """Notes how sinks did; what is known of others stays.

    Args:
        folder: Of alerts in the state directory; without that directory nothing is noted.
        problems: By the name of the sink what failed, without secrets; empty where it took all.
        gone: Names of sinks that are not set: they fail no longer.
    """
    left = set(gone) & set(read_notes(folder))
    if not (problems or left) or not folder.parent.is_dir():
        return
    try:
        make_private(folder)
        with _alone(folder):
            known = read_notes(folder)
            new = {name: note for name, note in known.items() if name not in left}
            new |= {name: _next(known.get(name), problem) for name, problem in problems.items()}
            content = {name: _plain(note) for name, note in new.items()}
            replace_text(folder / _FILE, f"{json.dumps(content, indent=1)}\n")
    except OSError as error:  # what the disk does not take is noted the next time
        _log.info("How the sinks did was not written down: %s", error)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps another process, such as a look beside a run, from writing what it read before."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _next(former: SinkNote | None, problem: str) -> SinkNote:
    if not problem:
        return SinkNote("", took_at=datetime.now(timezone.utc))
    return SinkNote(problem, former.took_at if former else None)


def _plain(note: SinkNote) -> dict[str, Any]:
    return {"problem": note.problem, "took_at": note.took_at and note.took_at.isoformat()}


def read_notes(folder: Path) -> dict[str, SinkNote]:
    """Returns how each sink did that is known; none where the file is missing or torn."""
    try:
        content = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        return {name: _note(values) for name, values in content.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _note(values: dict[str, Any]) -> SinkNote:
    took_at = values["took_at"]
    return SinkNote(str(values["problem"]), datetime.fromisoformat(took_at) if took_at else None)


def sink_alerts(
    folder: Path, state_dir: str, standing: Collection[tuple[str, str]]
) -> tuple[list[Alert], list[Looked]]:
    """Returns the alerts about sinks, and what was looked at.

    Args:
        folder: Of alerts in the state directory.
        state_dir: The state directory.
        standing: Kind and key of what is open: a sink that is not set any more fails no longer.
    """
    holding = [
        Alert(
            SINK_FAILED,
            sink_key(name, state_dir),
            f"Sink {name} does not take what it is sent: {note.problem}. It is tried again.",
            {"sink": name},
        )
        for name, note in read_notes(folder).items()
        if note.problem
    ]
    here = sink_key("", state_dir)
    former = [(kind, key) for kind, key in standing if kind == SINK_FAILED and key.endswith(here)]
    return holding, [*(one.identity for one in holding), *former]
