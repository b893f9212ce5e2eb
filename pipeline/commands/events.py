"""`tens-insight events`: what happened to accounts and product areas, once each."""

from datetime import datetime
from typing import Final

import click

from pipeline.commands.accounts import Words
from pipeline.commands.parts import MOMENT, Number, examples
from pipeline.text.terminal import say, say_json

# As in components/account_events/listing.py, which imports psycopg2; a test compares them.
KINDS: Final = (
    *("entered critical", "entered high", "jumped", "silent", "recovered"),
    "area critical",
)
_SHOWN: Final = 50
"""Events that the table shows unless told."""


@click.command(
    name="events",
    epilog=examples(
        "tens-insight events",
        "tens-insight events --since 2026-11-01 --kind 'entered critical,jumped'",
        "tens-insight events --since 2026-11-01 --all --csv > events.csv",
    ),
)
@click.option(
    "--since",
    type=MOMENT,
    help="Events of publications as of this moment or later. Default: the last 7 days before the "
    "newest publication.",
)
@click.option("--kind", "kinds", type=Words(KINDS), help=f"Kinds, such as {KINDS[0]},{KINDS[2]}.")
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="Also events that were not told, and those of publications that were undone.",
)
@click.option(
    "--limit",
    type=Number(0),
    help=f"Events at most; 0 for all. Default: {_SHOWN} in the table, else all.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV with a head.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one line of JSON.")
def command(
    since: datetime | None,
    kinds: tuple[str, ...] | None,
    every: bool,
    limit: int | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Lists what happened to accounts and product areas, newest first.

    An account gives one event when it gets high or critical, and no other until it has
    recovered. It reads nothing that a reader of the scores may not read. `tens-insight account ID`
    shows one account in full.
    """
    from components.account_events.listing import read_events
    from pipeline.database import consistent_read
    from pipeline.settings import load_settings
    from pipeline.text.events import csv_text, events_json, events_lines

    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other.")
    if limit is None and not as_csv and not as_json:
        limit = _SHOWN
    with consistent_read(load_settings(), "events") as cursor:
        found = read_events(cursor, since, kinds or (), every=every, limit=limit or None)
    if as_json:
        say_json(events_json(found))
    elif as_csv:
        say(csv_text(found), nl=False)
    else:
        for line in events_lines(found):
            say(line)
