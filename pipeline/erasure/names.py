"""How an account's id is found in texts, in whatever form, and taken for nothing else."""

import functools
import html.entities
import re
from collections.abc import Callable
from typing import Final

from components.page.words import visible
from components.publishing.erasure import FORGOTTEN

_SHORTEST_CUT: Final = 8
"""Characters of an id that has to be left of it where it was cut off: fewer may be any word's."""
_CONTROLS: Final = {"\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r"}
_QUOTE: Final = r"(?:\\*['\"]|&(?:amp;)*(?:#0*3[49]|#[xX]0*2[27]|quot|apos);)"
_AFTER_QUOTE: Final = r"(?:(?<=['\"])|(?<=\#3[49];)|(?<=\#[xX]2[27];)|(?<=quot;)|(?<=apos;))"
"""As _QUOTE: what lies behind must have a fixed width."""
_ESCAPES: Final = (
    r"(?<=\\[abfnrtv])",
    r"(?<=\\x[0-9a-fA-F]{2})",
    r"(?<=\\u[0-9a-fA-F]{4})",
    r"(?<=\\[0-7]{3})",
    r"(?<=%[0-9a-fA-F]{2})",
)
_AT_BEGIN: Final = rf"(?:(?<![\w-])|{'|'.join(_ESCAPES)})"
"""At a word's begin, or after an escape, which may end in a letter or a digit."""
_AT_END: Final = r"(?:(?![\w-])|(?<=\s))"
"""At a word's end, or after a blank that is the id's last character."""
_CUT_OFF: Final = (
    r"\s?(?:\.\.\.|\u2026|&hellip;|&\#8230;|&\#[xX]2026;|\\+u2026|\\+xe2\\+x80\\+xa6|"
    r"\\+342\\+200\\+246|%[eE]2%80%[aA]6)"
)
"""An ellipsis, which stands where a text was cut."""
_SPELLING_OF: Final = re.compile(
    rf"({_QUOTE})((?:(?!{_QUOTE}).){{1,2000}})({_QUOTE}(?: for |\\*['\"], ?\\*['\"])"
    rf"{_QUOTE}{re.escape(FORGOTTEN)})"
)
"""Another spelling of an id, named as one that the account's would match."""


def is_distinctive(account_id: str) -> bool:
    """Tells whether an id stands for itself in a text: it has a letter, and a digit or a sign.

    The id 1201 may be a count anywhere, and acme or free a word.
    """
    return any(one.isalpha() for one in account_id) and not account_id.isalpha()


@functools.lru_cache(maxsize=8)
def word_pattern(account_id: str) -> str:
    """Returns a regular expression of Python that finds the id.

    Each character may be written as texts, JSON, HTML, SVG, URLs, SQL, messages and logs write
    it, also several times over. As a word: ACC-1 is not found in ACC-10, in XACC-1 or in ACC-1-EU.
    Of a long id the begin is enough where an ellipsis follows; other ids that begin alike are
    found with it, since nobody can tell them apart. An id that is not distinctive is found in
    quotes alone, as messages and JSON write ids.
    """
    characters = _characters(account_id)
    whole, cut = "".join(characters), _cut_off(account_id, characters)
    if is_distinctive(account_id):
        return rf"{_AT_BEGIN}(?:{whole}{_AT_END}{cut})"
    return rf"{_AFTER_QUOTE}(?:{whole}(?={_QUOTE}){cut})"


def without(account_id: str, text: str) -> tuple[str, int]:
    """Returns a text in which FORGOTTEN stands for the id, and how often it was there.

    Where the text names another spelling that would match the account, that one goes too.
    """
    if not _may_hold(account_id, text):
        return text, 0
    changed, count = re.subn(word_pattern(account_id), FORGOTTEN, text)
    if count:
        changed = _SPELLING_OF.sub(rf"\1{FORGOTTEN}\3", changed)
    return changed, count


def eraser(account_id: str) -> Callable[[str], str]:
    """Returns a function that does what `without` does to a text, and returns the text alone."""
    return lambda text: without(account_id, text)[0]


def mentions(account_id: str, text: str) -> bool:
    """Tells whether a text holds the id in any form."""
    found = _may_hold(account_id, text) and re.search(word_pattern(account_id), text)
    return bool(found)


def _may_hold(account_id: str, text: str) -> bool:
    """Looks for what is never escaped nor cut off, which is many times as fast as a pattern."""
    begin = account_id[: _shortest_cut(account_id)]
    return max(re.findall("[0-9A-Za-z]*", begin), key=len) in text


def _shortest_cut(account_id: str) -> int:
    """Returns how long a begin of the id must be, in characters, to stand for it."""
    lengths = range(_SHORTEST_CUT, len(account_id))
    found = (size for size in lengths if is_distinctive(account_id[:size]))
    return next(found, len(account_id))


def _cut_off(account_id: str, characters: list[str]) -> str:
    """Returns an alternative for a begin of the id with an ellipsis behind it."""
    least = len(_characters(account_id[: _shortest_cut(account_id)]))
    if least >= len(characters):
        return ""
    # Each further character is there, or the ellipsis comes now: as long as the id, not its square.
    rest = "".join(rf"(?:{one}|(?={_CUT_OFF}))" for one in characters[least:])
    return rf"|{''.join(characters[:least])}{rest}{_CUT_OFF}"


def _characters(text: str) -> list[str]:
    """Returns a pattern for each character, and one for the same that follow each other.

    No text may match in two ways: searching for it could take for ever.
    """
    parts = re.findall(r"""\s+|\\+|'+|"+|[^\s\\'"]""", text)
    return [_blanks(one) if one.isspace() else _character(one) for one in parts]


def _blanks(text: str) -> str:
    escaped = "|".join(dict.fromkeys(form for one in text for form in _escaped(one)))
    return rf"(?:\s|\+|{escaped}|\ufffd)+"  # a page or a wrapped line may have others, and fewer


def _character(text: str) -> str:
    one = text[0]
    if one.isascii() and one.isalnum():
        return one
    if one == "\\":
        return r"(?:\\|%5[cC]|&(?:amp;)*(?:\#0*92|\#[xX]0*5[cC]|bsol);)+(?!\\)"
    forms = "|".join((rf"\\*{re.escape(one)}", *_escaped(one)))
    return f"(?:{forms})+" if one in "'\"" else f"(?:{forms})"  # SQL and CSV double them


def _escaped(one: str) -> list[str]:
    """Returns how texts write a character that they escape."""
    code, number = ord(one), f"{ord(one):x}"
    encoded = one.encode(errors="surrogatepass")
    units = one.encode("utf-16-be", "surrogatepass")
    forms = [
        "".join(rf"\\+u{_hex(units[at : at + 2].hex())}" for at in range(0, len(units), 2)),
        rf"\\+U{_hex(f'{code:08x}')}",
        "".join(rf"\\+x{_hex(f'{byte:02x}')}" for byte in encoded),
        "".join(rf"\\+{byte:03o}" for byte in encoded),
        "".join(f"%{_hex(f'{byte:02x}')}" for byte in encoded),
        rf"\\*&(?:amp;)*(?:\#0*{code}|\#[xX]0*{_hex(number)}{_entity(code)});",
    ]
    if 0x80 <= code < 0x100:
        forms.append(rf"\\+x{_hex(f'{code:02x}')}")
    if one in _CONTROLS:
        forms.append(rf"\\+{_CONTROLS[one]}")
    if not one.isspace() and (visible(one) != one or code > 0xFFFF):
        forms.append("\ufffd")  # a page, or a picture on it, has this mark
    return forms


def _entity(code: int) -> str:
    name = "apos" if code == ord("'") else html.entities.codepoint2name.get(code)
    return f"|{name}" if name else ""


def _hex(digits: str) -> str:
    """Returns hexadecimal digits in either case."""
    return "".join(f"[{one}{one.upper()}]" if one.isalpha() else one for one in digits)
