"""Lines and tables of plain text, which may be piped or copied."""

import os
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from rich.cells import cell_len, chop_cells

from components.registry.stages import StageTransition
from pipeline.text.terminal import escape_controls

NONE = "-"
NO_SCORES: Final = "No account has a score yet: `tens-insight status` says what to do next."

_BETWEEN: Final = 2
"""Blanks between two columns."""
_PART: Final = re.compile(r"[^_=/]*[_=/]+|[^_=/]+")
"""What a word is divided into where it must be."""
_NARROWEST: Final = 40
_WITHOUT_TERMINAL: Final = 80


def transition_text(transition: StageTransition) -> str:
    """Returns who did what to a model, when and why."""
    moment = datetime.fromtimestamp(transition.at / 1000, timezone.utc)
    reason = f": {escape_controls(transition.reason)}" if transition.reason else ""
    return f"{transition.kind} by {transition.by} at {minute(moment)}{reason}"


def minute(moment: datetime) -> str:
    """Returns a moment in UTC to the minute: the one format in which people read moments."""
    return f"{bare_minute(moment)} UTC"


def bare_minute(moment: datetime) -> str:
    """Returns a moment as `minute` does, for a column whose head says UTC."""
    in_utc = moment.astimezone(timezone.utc) if moment.tzinfo else moment
    return f"{in_utc:%Y-%m-%d %H:%M}"


def minute_of(text: str) -> str:
    """Returns a recorded moment, ISO 8601, as people read it; other text as it is."""
    if "T" not in text:  # a number or a day is none, although newer Pythons would read it as one
        return text or NONE
    try:
        return minute(datetime.fromisoformat(text))
    except ValueError:
        return text


def number_of_examples(examples: int, available: int | None) -> str:
    """Returns how many examples there are, and of how many where accounts were left out."""
    of = "" if available is None else f" of {available}"
    return f"{examples}{of} examples"


def short_path(path: str) -> str:
    """Returns a path as one would type it here."""
    return os.path.relpath(path) if Path(path).is_relative_to(Path.cwd()) else path


def fact_lines(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Returns names and values, one a line."""
    return (f"{name:<14} {escape_controls(value)}" for name, value in rows)


def terminal_width() -> int:
    """Returns how wide lines may be: COLUMNS, else the terminal's width, else 80."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return max(_NARROWEST, int(given))
    found = shutil.get_terminal_size((_WITHOUT_TERMINAL, 24)).columns
    return max(_NARROWEST, found)


def table_lines(
    rows: Iterable[Sequence[str]],
    right: Collection[int] = (),
    indent: str = "",
    *,
    whole: Collection[int] = (),
    width: int | None = None,
) -> Iterator[str]:
    """Yields rows of cells as lines, in columns as wide as they need.

    What is wider than the terminal wraps by column: cells at their blanks, and where that is
    not enough, the columns that are left follow in a table of their own, beside the first one.

    Args:
        rows: [rows][columns], text of one line each; the first may be the heads.
        right: Columns that are aligned to the right, from 0; they never wrap.
        indent: Starts each line.
        whole: Other columns that never wrap.
        width: Characters of a line; the terminal's by default.
    """
    table = [[escape_controls(cell) for cell in row] for row in rows]
    count = max(map(len, table), default=0)
    table = [row + [""] * (count - len(row)) for row in table]
    room = (width or terminal_width()) - len(indent)
    needed = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    least = _least_widths(table, needed, {*right, *whole}, room)
    for number, block in enumerate(_blocks(least, room)):
        if number:
            yield ""
        widths = _widths([needed[one] for one in block], [least[one] for one in block], room)
        for row in table:
            cells = [row[one] for one in block]
            aligned = [one in right for one in block]
            yield from (f"{indent}{line}".rstrip() for line in _row(cells, widths, aligned))


def _least_widths(
    table: Sequence[Sequence[str]], needed: Sequence[int], unbroken: Collection[int], room: int
) -> list[int]:
    """Returns how narrow columns may become: less only where they would not fit beside each other.

    First the first column, which names the row, is whole, up to half the room, and the others
    wrap at blanks; then it wraps too; then words are divided after "_", "=" and "/".
    """
    columns = list(zip(*table, strict=True))
    if not columns:
        return []
    whole = [min(needed[0], room // 2), *needed[1:]]
    wraps = [place for place in range(len(columns)) if place not in unbroken]
    words = [_longest(column, _words) for column in columns]
    parts = [_longest(column, _parts) for column in columns]
    ways = [
        _replaced(whole, wraps[1:] if wraps[:1] == [0] else wraps, words),
        _replaced(whole, wraps, words),
        _replaced(whole, wraps, parts),
    ]
    return next((one for one in ways if _total(one) <= room), ways[0])


def _replaced(widths: Sequence[int], places: Collection[int], others: Sequence[int]) -> list[int]:
    return [
        min(width, others[place]) if place in places else width
        for place, width in enumerate(widths)
    ]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _BETWEEN * (len(widths) - 1)


def _blocks(least: Sequence[int], room: int) -> list[list[int]]:
    """Divides columns among tables that fit; each begins with the first column."""
    blocks = [[0]] if least else []
    for place in range(1, len(least)):
        taken = sum(least[one] + _BETWEEN for one in blocks[-1])
        if len(blocks[-1]) > 1 and taken + least[place] > room:
            blocks.append([0])
        blocks[-1].append(place)
    return blocks


def _widths(needed: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Narrows the widest columns until the table fits, none below its least width."""
    widths = list(needed)
    while _total(widths) > room:
        able = [place for place, width in enumerate(widths) if width > least[place]]
        if not able:  # a single column that is too wide: its words are divided
            widest = max(range(len(widths)), key=widths.__getitem__)
            over = _total(widths) - room
            widths[widest] = max(8, widths[widest] - over)
            break
        widths[max(able, key=widths.__getitem__)] -= 1
    return widths


def _row(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> Iterator[str]:
    wrapped = [_wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for number in range(max(map(len, wrapped))):
        parts = []
        for lines, width, to_right in zip(wrapped, widths, right, strict=True):
            text = lines[number] if number < len(lines) else ""
            blank = " " * (width - cell_len(text))
            parts.append(blank + text if to_right else text + blank)
        yield (" " * _BETWEEN).join(parts)


def _wrapped(text: str, width: int) -> list[str]:
    """Divides a cell at its blanks, and a word that is too long at its parts, or anywhere."""
    if cell_len(text) <= width:
        return [text]
    lines = [""]
    for word in _words(text):
        between = " "
        for part in _parts(word) if cell_len(word) > width else [word]:
            for piece in chop_cells(part, width) if cell_len(part) > width else [part]:
                joined = f"{lines[-1]}{between}{piece}" if lines[-1] else piece
                between = ""
                if cell_len(joined) <= width:
                    lines[-1] = joined
                else:
                    lines.append(piece)
    return lines


def _words(text: str) -> list[str]:
    return text.split(" ")


def _parts(text: str) -> list[str]:
    return [part for word in _words(text) for part in _PART.findall(word)]


def _longest(column: Iterable[str], divided: Callable[[str], list[str]]) -> int:
    return max((cell_len(part) for cell in column for part in divided(cell)), default=0)
