"""Where the metrics go: a file for node_exporter's textfile collector, and a Pushgateway."""

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from components.sinks import SinkFailed, once_more, post, with_path
from components.state_files import replace_file
from pipeline.settings import Settings
from pipeline.telemetry.metrics import SUCCESS, Sample, render
from pipeline.telemetry.sinks import note_problems

JOB: Final = "tens-insight"
_READABLE: Final = 0o644
"""node_exporter runs as another user."""


def write_textfile(path: Path, samples: Collection[Sample]) -> None:
    """Replaces the file whole: node_exporter reads the old one or the new one.

    The temporary name ends otherwise than .prom, so that nobody reads it.

    Raises:
        SinkFailed: It cannot be written; the old file is as it was.
    """
    text = render(samples)
    try:
        replace_file(path, lambda name: Path(name).write_bytes(text), mode=_READABLE)
    except OSError as error:
        raise SinkFailed(f"{path} cannot be written: {error.strerror or error}") from None


def push(
    settings: Settings, samples: Collection[Sample], *, succeeded: bool, timeout_s: float
) -> None:
    """Posts the metrics to the Pushgateway, in a group of job and instance.

    POST replaces metrics of these names in this group alone. Those of SUCCESS are left out unless
    a run succeeded just now, so that what was pushed then stays, whatever is known here.

    Raises:
        SinkFailed: It did not take them.
    """
    leave_out = () if succeeded else (SUCCESS,)
    telemetry = settings.telemetry
    group = f"/metrics/job/{JOB}/instance/{telemetry.metrics_instance or os.uname().nodename}"
    address = with_path(telemetry.pushgateway_url.get_secret_value(), group)
    headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    text = render(samples, leave_out)
    once_more(lambda: post(address, text, headers, timeout_s))


def metric_sinks(
    settings: Settings, samples: Collection[Sample], *, succeeded: bool
) -> dict[str, Callable[[], None]]:
    """Returns what sends metrics to each sink that is set, by its name.

    Args:
        settings: Say which there are.
        samples: The metrics.
        succeeded: Whether a run succeeded just now.
    """
    telemetry = settings.telemetry
    jobs: dict[str, Callable[[], None]] = {}
    if telemetry.metrics_textfile:
        path = Path(telemetry.metrics_textfile)
        jobs["textfile"] = lambda: write_textfile(path, samples)
    if telemetry.pushgateway_url.get_secret_value():
        jobs["pushgateway"] = lambda: push(
            settings, samples, succeeded=succeeded, timeout_s=telemetry.sink_timeout_seconds
        )
    return jobs


def send_metrics(settings: Settings, samples: Collection[Sample]) -> dict[str, str]:
    """Sends metrics to each sink that is set, and keeps how they did.

    Returns:
        By name why one did not take them; empty where it did.
    """
    told = {}
    for name, send in metric_sinks(settings, samples, succeeded=False).items():
        try:
            send()
            told[name] = ""
        except SinkFailed as error:
            told[name] = str(error)
    note_problems(settings, told)
    return told
