"""How an answer is made of a page: the frame around it, and what a browser may do with it."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from components.page import numbers
from components.page.environment import page as write_page
from pipeline.pages.page import HTML, Page, Shown

_STYLE: Final = re.compile("<style>(.*?)</style>", re.DOTALL)
_NOT_NOW: Final = 503
_TITLES: Final = {
    400: "This cannot be asked",
    401: "Who asks?",
    403: "Not from there",
    404: "Not there",
    429: "Too fast",
    500: "Something went wrong",
    503: "Not now",
}


@dataclass(frozen=True)
class Answer:
    """What is sent to a browser.

    Attributes:
        status: Of HTTP.
        headers: With the kind of the content, and what a browser may do with it.
        content: The body.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""


def framed(shown: Shown, pages: Sequence[Page], path: str, now: datetime | None) -> bytes:
    """Writes a page into the frame.

    Args:
        shown: The page.
        pages: Those of the navigation.
        path: Of the page that is shown.
        now: By the database's clock, UTC; None where it was not asked.
    """
    text = write_page(
        __package__,
        shown.template,
        sheet="pages.css",
        shown=shown,
        navigation=[page for page in pages if page.name],
        current=path,
        now=numbers.moment(now.isoformat()) if now else "",
        **shown.values,
    )
    return text.encode(errors="replace")


def problem_page(status: int, sentence: str, pages: Sequence[Page] = (), path: str = "") -> Answer:
    """Returns a page that says why there is no other.

    Args:
        status: Of HTTP.
        sentence: What it is.
        pages: Those of the navigation.
        path: Of the page that was asked for.
    """
    title = _TITLES.get(status, "This cannot be answered")
    shown = Shown(title, "problem.j2", {"sentence": sentence})
    return sent(framed(shown, pages, path, None), HTML, status)


def sent(content: bytes, media_type: str, status: int = 200, filename: str = "") -> Answer:
    """Returns content as it is sent.

    Args:
        content: The body.
        media_type: Of it.
        status: Of HTTP.
        filename: Under which a browser saves it; empty where it is shown.
    """
    headers = {"content-type": media_type, "content-security-policy": _policy(content, media_type)}
    if filename:
        headers["content-disposition"] = f'attachment; filename="{filename}"'
    if status == _NOT_NOW:
        headers["retry-after"] = "2"
    return Answer(status, headers, content)


def _policy(content: bytes, media_type: str) -> str:
    """Returns the Content-Security-Policy: the page's own style, and nothing else, from nowhere."""
    styles = _STYLE.findall(content.decode(errors="replace")) if media_type == HTML else []
    digests = (base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in styles)
    allowed = " ".join(f"'sha256-{one}'" for one in digests) or "'none'"
    return (
        f"default-src 'none'; img-src data:; style-src {allowed}; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
