"""`tens-insight explain-config`: what is set, where, and what it means."""

import json
import os
from typing import Any

import click


@click.command(name="explain-config")
@click.option("--json", "as_json", is_flag=True, help="Print the settings as one line of JSON.")
def command(as_json: bool) -> None:
    """Shows every setting, its value, where it came from, and its meaning."""
    from pipeline.settings import SETTINGS, load_settings, origin, variable

    settings = load_settings()
    rows = [
        {
            "name": name,
            "variable": variable(name),
            "value": settings.value(name),
            "origin": origin(name),
            "meaning": field.description,
        }
        for name, field in SETTINGS.items()
    ]
    if as_json:
        click.echo(json.dumps({"database": database_origin(), "settings": rows}, default=str))
    else:
        _show(rows)


def database_origin() -> str:
    """Says where the database address would come from, never the address itself."""
    for name in ("DATABASE_URL", "DATABASE_URL_SECRET", "PGSERVICE", "PGHOST", "PGDATABASE"):
        if os.environ.get(name):
            return f"environment ({name})"
    return "the embedded database, if there is one"


def _show(rows: list[dict[str, Any]]) -> None:
    from pipeline.text.summary import console

    out = console()
    out.print(f"database address: {database_origin()}\n", markup=False)
    for row in rows:
        value = row["value"]
        out.print(f"{row['variable']} = {value}", style="bold", markup=False)
        out.print(f"    {row['meaning']}  [{row['origin']}]", markup=False)
