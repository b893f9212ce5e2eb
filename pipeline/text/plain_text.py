"""Lines and tables of plain text, which may be piped or copied."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.registry.rule import StageTransition

NONE = "-"

_NEVER_WRAPS: Final = 10_000
"""Characters."""


def transition_text(transition: StageTransition) -> str:
    """Returns who did what to a model, when and why."""
    moment = datetime.fromtimestamp(transition.at / 1000, timezone.utc)
    reason = f": {escape_controls(transition.reason)}" if transition.reason else ""
    return f"{transition.kind} by {transition.by} at {minute(moment)}{reason}"


def minute(moment: datetime) -> str:
    """Returns a moment in UTC to the minute."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def fact_lines(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Returns names and values, one a line."""
    return (f"{name:<14} {escape_controls(value)}" for name, value in rows)


def table_lines(
    rows: Iterable[Sequence[str]], right: Collection[int] = (), indent: str = ""
) -> Iterator[str]:
    """Yields rows of cells as lines, in columns as wide as they need.

    Args:
        rows: [rows][columns], text of one line each; the first may be the heads.
        right: Columns that are aligned to the right, from 0.
        indent: Starts each line.
    """
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for cells in rows:
        while len(table.columns) < len(cells):
            side = "right" if len(table.columns) in right else "left"
            table.add_column(justify=side, no_wrap=True)  # type: ignore[arg-type]
        table.add_row(*map(Text, cells))
    # Wider than any line: what is too long is the terminal's to wrap, and can be copied.
    console = Console(width=_NEVER_WRAPS, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(table)
    return (f"{indent}{line}".rstrip() for line in captured.get().splitlines())


def escape_controls(name: str) -> str:
    """Returns a name as the database holds it, but for control characters, which are escaped.

    A tab, a newline or an escape sequence in an account's id would break the table, or
    steer the terminal.
    """
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in name)
