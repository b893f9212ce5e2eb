"""What reaches the terminal: nothing from a database can steer it, nothing ignores NO_COLOR."""

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from rich.console import Console

_TOLD_LINES: Final = "\n"


def escape_controls(text: str) -> str:
    """Returns foreign text in one line in which nothing but visible characters is left.

    Control characters (C0, C1), line and paragraph separators, and what turns the direction of
    writing are escaped as Python writes them. A tab, a newline or an escape sequence in an
    account's id would break a table, steer the terminal, or forge a line.
    """
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def say(text: str = "", *, err: bool = False, style: str = "", nl: bool = True) -> None:
    """Prints text for people; of what cannot be seen in it, only the ends of lines stay.

    Args:
        text: One line or several. Foreign text in it that may hold an end of a line has gone
            through escape_controls or repr.
        err: To standard error.
        nl: Whether the line ends.
        style: Colour of the whole, left out where NO_COLOR or no terminal asks.
    """
    shown = "\n".join(map(escape_controls, text.split(_TOLD_LINES)))
    click.echo(click.style(shown, fg=style) if style and not no_colour() else shown, err=err, nl=nl)


def say_json(content: object) -> None:
    """Prints one line of JSON; what JSON does not know becomes text, and NaN null."""
    plain = json.loads(json.dumps(content, default=_plain), parse_constant=lambda _: None)
    click.echo(json.dumps(plain))


def no_colour() -> bool:
    """Tells whether NO_COLOR asks for plain text (https://no-color.org)."""
    return bool(os.environ.get("NO_COLOR"))


def console(stderr: bool = False) -> "Console":
    """Returns a console, on standard output unless told.

    It never guesses at highlighting, and takes no word of a database for markup or an emoji.
    """
    from rich.console import Console

    return Console(
        highlight=False,
        soft_wrap=True,
        stderr=stderr,
        markup=False,
        emoji=False,
        color_system=None if no_colour() else "auto",
    )


def never_fail_to_encode() -> None:
    """Lets a terminal that is not UTF-8 show what it lacks as an escape, not as an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _plain(value: Any) -> str:
    return str(value.isoformat() if hasattr(value, "isoformat") else value)
