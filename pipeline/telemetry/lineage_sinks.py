"""Where OpenLineage events go: a file with a line each, and a server."""

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from components.sinks import SinkFailed, once_more, post, with_path
from pipeline.setting_groups import TelemetrySettings

_ENDPOINT: Final = "/api/v1/lineage"


def append_events(path: Path, events: Sequence[Mapping[str, Any]]) -> None:
    """Appends events to a file, a line of JSON each: all of them or none.

    Raises:
        SinkFailed: It cannot be written; the file is as it was.
    """
    text = "".join(f"{json.dumps(event)}\n" for event in events).encode()
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _append(descriptor, text)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SinkFailed(f"{path} cannot be written: {error.strerror or error}") from None


def _append(descriptor: int, text: bytes) -> None:
    """Writes at the end; a full disk takes back what it took."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    if end and os.pread(descriptor, 1, end - 1) != b"\n":
        text = b"\n" + text  # a writer that was killed left half a line
    try:
        written = 0
        while written < len(text):
            written += os.write(descriptor, text[written:])
    except OSError:
        os.ftruncate(descriptor, end)
        raise


def post_events(
    telemetry: TelemetrySettings, events: Sequence[Mapping[str, Any]], timeout_s: float
) -> None:
    """Posts events to an OpenLineage server, one after the other.

    Raises:
        SinkFailed: It did not take one; later ones are not sent.
    """
    url = telemetry.openlineage_url.get_secret_value()
    address = url if _ENDPOINT in url else with_path(url, _ENDPOINT)
    headers = {"Content-Type": "application/json"}
    if key := telemetry.openlineage_api_key.get_secret_value():
        headers["Authorization"] = f"Bearer {key}"
    for event in events:
        once_more(partial(post, address, json.dumps(event).encode(), headers, timeout_s))
