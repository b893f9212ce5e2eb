"""What a page is: where it is, what it reads, and how it is built.

A page is a module with a PAGE, a template beside it, and a test; `site.py` lists the pages.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from pipeline.settings import Settings

HTML: Final = "text/html; charset=utf-8"
CSV: Final = "text/csv; charset=utf-8"
_FIELDS: Final = 200
"""Of a query."""
_LONGEST: Final = 1_000
"""Characters of one value of a query."""
_UNKNOWN: Final = re.compile("[\0\ud800-\udfff]")
"""To Postgres."""


class NotThere(Exception):
    """What a page is asked for is not there; the sentence is shown, with status 404."""


class WrongQuestion(Exception):
    """A page is asked for what it cannot show; the sentence is shown, with status 400."""


class Query:
    """What stands behind the question mark of an address.

    Args:
        text: As it was sent, percent-encoded.

    Raises:
        WrongQuestion: It has too many fields, or one that no text in Postgres can hold.
    """

    def __init__(self, text: str):
        try:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS)
        except ValueError:
            raise WrongQuestion(f"The address has more than {_FIELDS} fields.") from None
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(storable(value))

    def get(self, name: str, default: str = "") -> str:
        """Returns the last value of a field."""
        return self._values.get(name, [default])[-1]

    def all(self, name: str) -> list[str]:
        """Returns all values of a field that are not empty."""
        return [value for value in self._values.get(name, []) if value]


@dataclass(frozen=True)
class View:
    """What a page is built from.

    Attributes:
        cursor: Of a read-only transaction that sees one state of the database.
        settings: Of the installation.
        query: What was asked for.
        now: By the database's clock, UTC.
        given: What the server answered to the page's own question, such as a score; None where it
            asked none.
    """

    cursor: Cursor
    settings: Settings
    query: Query
    now: datetime
    given: Any = None


@dataclass(frozen=True)
class Shown:
    """A page of the site.

    Attributes:
        title: Its heading.
        template: In the folder `templates`; extends frame.j2.
        values: For the template.
        lead: A sentence below the heading; may be empty.
    """

    title: str
    template: str = "sections.j2"
    values: Mapping[str, Any] = field(default_factory=dict)
    lead: str = ""


@dataclass(frozen=True)
class Whole:
    """What is sent as it is: a download, or a page of its own.

    Attributes:
        content: Its bytes.
        media_type: Of them.
        filename: Under which a browser saves it; empty where it is shown.
    """

    content: bytes
    media_type: str
    filename: str = ""


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        path: Below which it is asked for.
        name: In the navigation; empty for pages that others lead to.
        build: Reads and makes it.
        reads: Tables and views, "schema.name", that it reads beside what every server's role may
            read: the columns of the feedback but its text, churn dates, account_risk_scores and
            the database's id.
    """

    path: str
    name: str
    build: Callable[[View], Shown | Whole]
    reads: tuple[str, ...] = ()


def storable(text: str) -> str:
    """Returns a text that Postgres can hold.

    Raises:
        WrongQuestion: It is too long, or holds NUL or half of a surrogate pair.
    """
    if len(text) > _LONGEST or _UNKNOWN.search(text):
        raise WrongQuestion(
            f"A value of the address is longer than {_LONGEST} characters, or holds a character "
            "that no text in the database has."
        )
    return text


def for_form(text: str) -> str:
    """Returns a text as a form hands it back: browsers change line breaks, pages hide others."""
    return text if text.isprintable() and "%" not in text else quote(text, safe="")


def from_form(text: str) -> str:
    """Returns what `for_form` was given."""
    return unquote(text)


def address(path: str, **query: Any) -> str:
    """Returns the address of a page; fields that are None, empty or False are left out."""
    pairs = [
        (name, one)
        for name, value in query.items()
        for one in (value if isinstance(value, list | tuple) else [value])
        if one not in (None, "", False)
    ]
    return f"{path}?{urlencode(pairs)}" if pairs else path
