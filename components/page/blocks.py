"""What a page is put together from: sections, their parts, and the blocks in these.

Each block names the template that writes it; the templates escape every text.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import ClassVar, Final

from markupsafe import Markup

GOOD: Final = "good"
BAD: Final = "bad"
WARN: Final = "warn"
QUIET: Final = "quiet"


@dataclass(frozen=True)
class Badge:
    """A word in colour; the word says it all where there is no colour."""

    text: str
    tone: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Noted:
    """A text with a smaller one below."""

    text: str
    note: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Link:
    """A text that leads to another page, with a smaller one below if there is any."""

    text: str
    href: str
    note: str = ""

    def __str__(self) -> str:
        return self.text


Cell = str | Badge | Noted | Link


@dataclass(frozen=True)
class Column:
    """Head of a table's column; numbers stand to the right."""

    title: str
    numeric: bool = False


@dataclass(frozen=True)
class Row:
    """Cells, the first of which names the row; a tone marks it."""

    cells: tuple[Cell, ...]
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """A table, folded away where a picture shows the same."""

    template: ClassVar[str] = "table.j2"
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    folded: bool = False

    @classmethod
    def of(
        cls,
        caption: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Cell] | Row],
        folded: bool = False,
    ) -> "Table":
        """Makes a table.

        Args:
            caption: What is in it.
            columns: Their titles; one of numbers ends with `#`.
            rows: Rows of the table, or the cells of each.
            folded: Whether it is opened only when asked for.
        """
        heads = tuple(Column(title.removesuffix("#"), title.endswith("#")) for title in columns)
        whole = tuple(row if isinstance(row, Row) else Row(tuple(row)) for row in rows)
        return cls(caption, heads, whole, folded)


@dataclass(frozen=True)
class Key:
    """What a line or a bar of a picture stands for; `style` names its class."""

    text: str
    style: str


@dataclass(frozen=True)
class Figure:
    """A picture, what it says to people who are not data scientists, and its table.

    Attributes:
        picture: SVG with its own label.
        here: What is the case in this run.
        shows: What is drawn.
        good: What one should see.
        bad: What would be bad.
        table: The same numbers.
        key: To the lines or bars; empty where they say themselves what they are.
    """

    template: ClassVar[str] = "figure.j2"
    picture: Markup
    here: str
    shows: str
    good: str
    bad: str
    table: Table
    key: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    template: ClassVar[str] = "text.j2"
    text: str


@dataclass(frozen=True)
class Absent:
    """Stands where something is not there, and says why; `what` names it if no heading does."""

    template: ClassVar[str] = "absent.j2"
    why: str
    what: str = "Not here"


@dataclass(frozen=True)
class Pairs:
    """Names, each with its values; folded away below a summary if there is one."""

    template: ClassVar[str] = "pairs.j2"
    pairs: tuple[tuple[str, tuple[str, ...]], ...]
    summary: str = ""

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]], summary: str = "") -> "Pairs":
        """Puts neighbours of one name together."""
        groups = itertools.groupby(pairs, key=itemgetter(0))
        grouped = tuple((name, tuple(value for _, value in found)) for name, found in groups)
        return cls(grouped, summary)


@dataclass(frozen=True)
class Items:
    """Sentences, each its own point."""

    template: ClassVar[str] = "items.j2"
    texts: tuple[str, ...]


Block = Table | Figure | Text | Absent | Pairs | Items


@dataclass(frozen=True)
class Part:
    """A heading of the third order, and what stands below it."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Section:
    """A question, and what answers it.

    Attributes:
        anchor: Where links lead to.
        question: The heading.
        answer: In a sentence or two.
        parts: What it rests on.
    """

    anchor: str
    question: str
    answer: str
    parts: tuple[Part, ...]
