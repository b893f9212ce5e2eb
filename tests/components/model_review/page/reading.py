"""Reads a page as a browser's parser would: its elements, its outline, its tables."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

from components.model_review.page.report import render
from components.model_review.review import Review

VOID: Final = frozenset({"meta", "link", "br", "hr", "img", "input"})
TITLES: Final = ("h1", "h2", "h3", "caption", "summary", "dt")


@dataclass
class Element:
    """An element, with its text and that of the elements in it."""

    tag: str
    attributes: dict[str, str | None]
    above: tuple[str, ...]
    text: str = ""

    @property
    def in_picture(self) -> bool:
        return "svg" in self.above


@dataclass
class Table:
    """A table: what its columns are called, and the texts of its rows' cells."""

    caption: str
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), tuple(one.tag for one in self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs), tuple(one.tag for one in self.open)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for one in self.open:
            one.text += data


@functools.cache
def page_of(make: Callable[[], Review]) -> str:
    """Writes the page of a sample, once."""
    return render(make())


def elements(page: str) -> list[Element]:
    """Returns all elements, in their order; every one of them has to be closed where it is."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader.elements


def outline(page: str) -> str:
    """Returns titles, heads of tables and labels of pictures, one a line, numbers as #."""
    lines = []
    for one in elements(page):
        if one.tag in TITLES:
            lines.append(f"{one.tag} {_unnumbered(one.text)}")
        elif one.tag == "th" and one.attributes.get("scope") == "col":
            lines.append(f"  th {_unnumbered(one.text)}")
        elif one.attributes.get("role") == "img":
            lines.append(f"svg {_unnumbered(one.attributes['aria-label'] or '')}")
    return "\n".join(lines) + "\n"


def _unnumbered(text: str) -> str:
    return re.sub(r"\d(?:[\d,.:]*\d)?", "#", words(text))


def tables(page: str) -> list[Table]:
    """Returns all tables; the note below a cell's text follows it after a blank."""
    found: list[Table] = []
    for one in elements(page.replace("<small>", " <small>")):
        if one.tag == "caption":
            found.append(Table(words(one.text)))
        elif one.tag == "th" and one.attributes.get("scope") == "col":
            found[-1].columns.append(words(one.text))
        elif one.tag == "tr" and "tbody" in one.above:
            found[-1].rows.append([])
        elif one.tag in ("th", "td"):
            found[-1].rows[-1].append(words(one.text))
    return found


def table(page: str, caption: str) -> Table:
    """Returns the only table whose caption begins so."""
    (found,) = [one for one in tables(page) if one.caption.startswith(caption)]
    return found


def words(text: str) -> str:
    """Returns text as it is read: with one blank between words."""
    return " ".join(text.split())
