"""`tens-insight movers`: accounts that entered or left a risk band since a day."""

from datetime import datetime, timedelta
from typing import Any, Final

import click

from pipeline.commands.accounts import BANDS, Words
from pipeline.commands.parts import Moment, Number, examples
from pipeline.text.terminal import say, say_json

_SHOWN: Final = 50
"""Accounts that the table shows unless told."""
_DATE: Final = len("2026-11-28")


class _Day(Moment):
    """A moment; a date alone stands for the end of that day."""

    name = "date"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        """Parses the text."""
        moment = super().convert(value, param, ctx)
        if isinstance(value, str) and len(value.strip()) == _DATE:
            return moment + timedelta(days=1) - timedelta(microseconds=1)
        return moment


@click.command(
    name="movers",
    epilog=examples(
        "tens-insight movers",
        "tens-insight movers --since 2026-11-01",
        "tens-insight movers --since 2026-11-01 --band high --csv > movers.csv",
    ),
)
@click.option(
    "--since",
    type=_Day(),
    help="Compare with the newest publication of this day, or the last one before it. Default: the "
    "publication before the newest.",
)
@click.option(
    "--band",
    "bands",
    type=Words(BANDS),
    help="Accounts that entered or left one of these bands. Default: critical,high,medium.",
)
@click.option(
    "--limit",
    type=Number(0),
    help=f"Accounts at most; 0 for all. Default: {_SHOWN} in the table, else all.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV with a head.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one line of JSON.")
def command(
    since: datetime | None,
    bands: tuple[str, ...] | None,
    limit: int | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Lists the accounts that entered or left a risk band, and what moved them.

    Those whose risk rose most come first. It reads nothing that a reader of the scores may not
    read. `tens-insight account ID` shows one in full.
    """
    from components.contributions.movers import MAIN_BANDS, find_movers
    from pipeline.database import consistent_read
    from pipeline.settings import load_settings
    from pipeline.text.movers import csv_text, movers_json, movers_lines

    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other.")
    if limit is None and not as_csv and not as_json:
        limit = _SHOWN
    with consistent_read(load_settings(), "movers") as cursor:
        found = find_movers(cursor, since, bands or MAIN_BANDS, limit or None)
    if as_json:
        say_json(movers_json(found))
    elif as_csv:
        say(csv_text(found), nl=False)
        if found.before is None:
            say(next(iter(movers_lines(found))), err=True)
    else:
        for line in movers_lines(found):
            say(line)
