"""Lines and tables of plain text, which may be piped or copied."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone

from components.registry.rule import StageTransition

NONE = "-"


def transition_text(transition: StageTransition) -> str:
    """Returns who did what to a model, when and why."""
    moment = datetime.fromtimestamp(transition.at / 1000, timezone.utc)
    reason = f": {one_line(transition.reason)}" if transition.reason else ""
    return f"{transition.kind} by {transition.by} at {minute(moment)}{reason}"


def minute(moment: datetime) -> str:
    """Returns a moment in UTC to the minute."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def one_line(text: str) -> str:
    """Returns a text that cannot break its line, whatever characters it holds."""
    return text if text.isprintable() else ascii(text)[1:-1]


def fact_lines(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Returns names and values, one a line."""
    return (f"{name:<14} {one_line(value)}" for name, value in rows)


def table_lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yields rows of cells, [rows][columns], in columns as wide as they need."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
