"""`tens-insight accounts`: the list of accounts that a team works from."""

from typing import Any, Final

import click

from pipeline.commands.parts import Number, examples
from pipeline.text.terminal import say, say_json

BANDS: Final = ("critical", "high", "medium", "low")
# As in components/publishing/account_list.py, which imports psycopg2; a test compares them.
SORTS: Final = ("risk", "moved", "account", "silence", "tenure")
_SHOWN: Final = 50
"""Accounts that the table shows unless told."""


class Words(click.ParamType):
    """Words, separated by commas."""

    name = "word,..."

    def __init__(self, known: tuple[str, ...] = ()):
        self._known = known

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        """Divides the text; each word must be one of those known, if any are."""
        if isinstance(value, tuple):
            return value
        words = tuple(word.strip() for word in str(value).split(",") if word.strip())
        if not words:
            self.fail("is empty.", param, ctx)
        for word in words:
            if self._known and word.lower() not in self._known:
                self.fail(f"{word!r} is none of {', '.join(self._known)}.", param, ctx)
        return tuple(word.lower() for word in words) if self._known else words


class _Move(click.ParamType):
    """A change of a probability: 0.05, or 5%."""

    name = "share"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Parses the text; a change is from 0 to 1."""
        text = str(value).strip()
        try:
            number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            number = -1.0
        if not 0 <= number <= 1:
            self.fail(f"{value!r} is no change of a probability, such as 0.05 or 5%.", param, ctx)
        return number


@click.command(
    name="accounts",
    epilog=examples(
        "tens-insight accounts --band critical,high",
        "tens-insight accounts --band critical,high --new --csv > new.csv",
        "tens-insight accounts --tier enterprise --region EU --moved-by 5%",
        "tens-insight accounts --sort silence --limit 20",
        "tens-insight accounts --silent --csv > silent.csv",
    ),
)
@click.option("--band", "bands", type=Words(BANDS), help="Risk bands, such as critical,high.")
@click.option("--tier", "tiers", type=Words(), help="Customer tiers, such as enterprise,pro.")
@click.option("--region", "regions", type=Words(), help="Regions, such as EU,NA.")
@click.option(
    "--new",
    is_flag=True,
    help="Only accounts that were not in this list in the publication before: they had no score, "
    "or were in none of the bands asked for.",
)
@click.option(
    "--moved-by",
    type=_Move(),
    help="Only accounts whose probability changed so much since the publication before: 0.05, 5%.",
)
@click.option("--sort", type=click.Choice(SORTS), default="risk", show_default=True)
@click.option(
    "--limit",
    type=Number(0),
    help=f"Accounts at most; 0 for all. Default: {_SHOWN} in the table, else all.",
)
@click.option(
    "--silent",
    is_flag=True,
    help="The accounts that are silent for too long to be scored (ACTIVE_WITHIN_DAYS), longest "
    "first.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV with a head.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one line of JSON.")
def command(
    bands: tuple[str, ...] | None,
    tiers: tuple[str, ...] | None,
    regions: tuple[str, ...] | None,
    new: bool,
    moved_by: float | None,
    sort: str,
    limit: int | None,
    silent: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Lists the published accounts, highest risk first, with what raises the risk most.

    "moved" is the change of the probability in percent points since the publication before.
    The text of the feedback is never read. `tens-insight account ID` shows one in full.
    """
    from components.publishing.account_list import Wanted, list_accounts
    from pipeline.database import consistent_read
    from pipeline.settings import load_settings
    from pipeline.text.accounts import csv_text, list_json, list_lines
    from pipeline.text.plain_text import NO_SCORES

    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other.")
    if limit is None and not as_csv and not as_json:
        limit = _SHOWN
    if silent:
        if bands or tiers or regions or new or moved_by is not None or sort != "risk":
            raise click.UsageError("--silent goes with --limit, --csv and --json alone.")
        _show_silent(limit or None, as_csv, as_json)
        return
    wanted = Wanted(
        bands=bands or (),
        tiers=tiers or (),
        regions=regions or (),
        new=new,
        moved_by=moved_by,
        sort=sort,
        limit=limit or None,
    )
    with consistent_read(load_settings(), "accounts") as cursor:
        found = list_accounts(cursor, wanted)
    if as_json:
        say_json(list_json(found))
    elif as_csv:
        say(csv_text(found), nl=False)
        if not found.published:
            say(NO_SCORES, err=True)
    else:
        for line in list_lines(found):
            say(line)


def _show_silent(limit: int | None, as_csv: bool, as_json: bool) -> None:
    """Lists the accounts that are silent for too long to be scored."""
    from components.publishing.silent_accounts import list_silent
    from pipeline.database import consistent_read
    from pipeline.settings import load_settings
    from pipeline.text.silent_accounts import silent_csv, silent_json, silent_lines, silent_sentence

    settings = load_settings()
    reading = settings.reading
    with consistent_read(settings, "accounts") as cursor:
        churn = (reading.churn_table, reading.churn_account_column, reading.churn_date_column)
        found = list_silent(cursor, churn, limit)
    if as_json:
        say_json(silent_json(found))
    elif as_csv:
        say(silent_csv(found), nl=False)
        if not found.accounts:
            say(silent_sentence(found), err=True)
    else:
        for line in silent_lines(found):
            say(line)
