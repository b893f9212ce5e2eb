"""Prints alerts, for people."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from components.alerts.alert_table import StoredAlert
from pipeline.text.plain_text import NONE, bare_minute, table_lines, terminal_width
from pipeline.text.terminal import escape_controls

if TYPE_CHECKING:
    from pipeline.alerts.look import Look


def alert_lines(found: Sequence[StoredAlert]) -> Iterator[str]:
    """Yields a table of alerts, and below it what each says and where it says what to do."""
    if not found:
        yield "No alert is open."
        return
    ended = any(one.resolved_at for one in found)
    heads = ("severity", "kind", "about", "since (UTC)", "seen", *(["ended (UTC)"] * ended))
    rows = [heads, *(_row(one, ended=ended) for one in found)]
    yield from table_lines(rows, right=(4,))
    for one in found:
        yield ""
        yield from _wrapped(f"{one.kind}: {one.key}" if one.key else one.kind, "")
        yield from _wrapped(one.sentence)
        yield from _wrapped(f"what to do: {one.runbook}")


def _row(one: StoredAlert, *, ended: bool) -> tuple[str, ...]:
    end = bare_minute(one.resolved_at) if one.resolved_at else NONE
    since = bare_minute(one.first_seen)
    return (one.severity, one.kind, one.key, since, str(one.times_seen), *([end] * ended))


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(
        escape_controls(" ".join(text.split())),
        terminal_width(),
        initial_indent=indent,
        subsequent_indent="  ",
        break_on_hyphens=False,
    )


def look_lines(found: "Look") -> Iterator[str]:
    """Yields what a look came to."""
    if found.busy:
        yield "Another process is looking; this one did nothing."
        return
    yield from alert_lines(found.standing)
    if found.delivered:
        yield ""
        yield f"{found.delivered} messages were delivered."
