"""The place of the page where a reviewer signs, and what is put there once one has.

A page is written when the run ends and signed later, by a command that knows the page alone:
what stands between two marks is replaced.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from components.page.blocks import Table
from components.page.environment import fragment

BEGIN: Final = "<!-- signatures -->"
END: Final = "<!-- end of signatures -->"
_PLACE: Final = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
_CAPTION: Final = "Decisions of reviewers, the newest last"
_COLUMNS: Final = ("Decision", "Name", "Date", "Note")
_TO_WRITE_ON: Final = ("not signed yet", "", "", "")


@dataclass(frozen=True)
class Signature:
    """What a reviewer decided.

    Attributes:
        decision: approved, rejected or accepted, in words.
        name: Who signed, and who typed it.
        date: When, UTC, for people.
        note: In their words; may be empty.
    """

    decision: str
    name: str
    date: str
    note: str


def signature_block(signatures: Sequence[Signature]) -> str:
    """Returns the HTML between the marks, the marks included; a row to write on before any."""
    rows = [(one.decision, one.name, one.date, one.note) for one in signatures] or [_TO_WRITE_ON]
    inside = fragment(__package__, "table.j2", block=Table.of(_CAPTION, _COLUMNS, rows))
    return f"{BEGIN}\n{inside}{END}"


def signed(page: str, signatures: Sequence[Signature]) -> str:
    """Returns a page with these signatures in place of those that it has.

    Raises:
        ValueError: The page has no place for them.
    """
    if not _PLACE.search(page):
        raise ValueError("it has no place for signatures")
    return _PLACE.sub(lambda _: signature_block(signatures), page, count=1)
