"""`tens-insight explain-config`: what is set, where, and what it means."""

import json
import os
import shlex
from collections.abc import Iterator
from typing import Any

import click

from pipeline.commands.parts import examples
from pipeline.text.terminal import say, say_json


@click.command(
    name="explain-config",
    epilog=examples(
        "tens-insight explain-config",
        "tens-insight explain-config --changed > settings.env",
    ),
)
@click.option("--changed", is_flag=True, help="Only what the environment or the file sets.")
@click.option("--json", "as_json", is_flag=True, help="Print the settings as one line of JSON.")
def command(changed: bool, as_json: bool) -> None:
    """Shows every setting, its value, where it came from, and its meaning.

    The lines are those of a shell: what is printed can be pasted back, but for secrets, which are
    shown as stars. What is set explicitly is not tuned, so paste back what --changed prints
    rather than all.
    """
    from components.config import is_secret
    from pipeline.settings import SETTINGS, load_settings, origin, variable

    settings = load_settings()
    rows = [
        {
            "name": name,
            "variable": variable(name),
            "value": settings.plain_value(name),
            "secret": is_secret(field),
            "origin": origin(name),
            "meaning": field.description,
        }
        for name, field in SETTINGS.items()
        if name in settings.explicit or not changed
    ]
    if as_json:
        say_json({"database": database_origin(), "settings": rows})
    else:
        for line in _lines(rows):
            say(line)


def database_origin() -> str:
    """Says where the database address would come from, never the address itself."""
    from components.postgres.connection import naming_variable

    name = naming_variable(os.environ)
    return f"environment ({name})" if name else "the embedded database, if there is one"


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield f"# database address: {database_origin()}"
    if not rows:
        yield "# All settings have their defaults."
    for row in rows:
        yield ""
        yield f"# {row['meaning']}  [{row['origin']}]"
        # What is pasted back must not set stars in place of a secret.
        hidden = "# " if row["secret"] and row["value"] else ""
        yield f"{hidden}{row['variable']}={shlex.quote(_text(row['value']))}"


def _text(value: Any) -> str:
    """Returns a value as its environment variable holds it: an empty one is not set."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
