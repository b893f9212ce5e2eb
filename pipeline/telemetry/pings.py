"""Pings as healthchecks.io takes them: a run began, and how it ended.

The check there knows when a run is due and how long one may take: it alerts where no ping comes,
and where a /start has no end, as that of a run which was killed.
"""

import uuid
from typing import Final

from components.sinks import once_more, post, with_path
from pipeline.exit_codes import MEANINGS
from pipeline.runs.record import COMPLETE, NOT_STARTED, RunRecord
from pipeline.settings import Settings

_RUNS: Final = uuid.UUID("5d0a6a1e-4a0e-5f0b-9f5b-2f6b7c0f7a11")
"""Namespace of the ids that are made of the names of runs."""


def uuid_of(run_id: str) -> uuid.UUID:
    """Returns the UUID of a run, always the same, for those who know runs by UUIDs alone."""
    return uuid.uuid5(_RUNS, run_id)


def check_of(settings: Settings, kind: str) -> str:
    """Returns the URL of the check of a kind of run; empty where there is none."""
    urls = {str(name): url for name, url in settings.telemetry.ping_urls.items()}
    url = urls.get(kind) or urls.get("any")
    return url.get_secret_value() if url else ""


def ping_start(url: str, record: RunRecord, timeout_s: float) -> None:
    """Says that a run begins to work.

    Raises:
        SinkFailed: The ping was not taken.
    """
    _ping(url, "/start", record, f"{record.kind} {record.run_id} began", timeout_s)


def ping_end(url: str, record: RunRecord, timeout_s: float) -> None:
    """Says how a run ended, with its exit code.

    An attempt that found another run at work is only noted: that one tells how it ends.

    Raises:
        SinkFailed: The ping was not taken.
    """
    _ping(url, _ending(record), record, how_it_ended(record), timeout_s)


def how_it_ended(record: RunRecord) -> str:
    """Says how a run ended, without the text of its error, which may name accounts."""
    said = f"{record.kind} {record.run_id}: {record.state}"
    if record.exit_code is not None:
        meaning = MEANINGS.get(record.exit_code, "see the log file")
        said += f", exit code {record.exit_code} ({meaning})"
    if record.failed_node:
        said += f", at {record.failed_node}"
    return f"{said}, {record.error}" if record.error else said


def _ending(record: RunRecord) -> str:
    if record.state == NOT_STARTED:
        return "/log"
    if record.state == COMPLETE and record.exit_code == 0:
        return ""
    code = record.exit_code
    return f"/{code}" if code is not None and 0 < code <= 255 else "/fail"


def _ping(url: str, path: str, record: RunRecord, said: str, timeout_s: float) -> None:
    address = with_path(url, path, rid=str(uuid_of(record.run_id)))
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    once_more(lambda: post(address, said.encode(), headers, timeout_s))
