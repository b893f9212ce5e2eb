"""Which sinks failed when they were asked last: what an alert of kind sink_failed follows from.

Kept in the state directory, because a sink may fail while the database is away. Sinks are those of
alerts, and those of metrics and lineage.
"""

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from components.alerts.alert import SINK_FAILED, Alert, sink_key
from components.alerts.alert_table import Looked
from components.state_files import make_private, replace_text

_FILE: Final = "sinks.json"


def note_sinks(folder: Path, problems: Mapping[str, str]) -> None:
    """Notes of sinks why they failed, or that they took what they got.

    Args:
        folder: Of alerts in the state directory.
        problems: By the name of the sink what failed, without secrets; empty where it is well.
    """
    known = read_notes(folder)
    new = known | {name: problem for name, problem in problems.items() if problem or name in known}
    if new != known:
        with suppress(OSError):  # what the disk does not take is noted the next time
            make_private(folder)
            replace_text(folder / _FILE, json.dumps(new, indent=1))


def read_notes(folder: Path) -> dict[str, str]:
    """Returns the problem of each sink that ever failed; empty where it is well by now."""
    try:
        content = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        return {str(name): str(problem) for name, problem in content.items()}
    except (OSError, ValueError, AttributeError):
        return {}


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
            f"Sink {name} does not take what it is sent: {problem.rstrip('.')}. It is tried again.",
            {"sink": name},
        )
        for name, problem in read_notes(folder).items()
        if problem
    ]
    here = sink_key("", state_dir)
    former = [(kind, key) for kind, key in standing if kind == SINK_FAILED and key.endswith(here)]
    return holding, [*(one.identity for one in holding), *former]
