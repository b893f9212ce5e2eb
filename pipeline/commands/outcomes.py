"""`tens-insight outcomes`: did the scores come true?"""

from datetime import datetime
from typing import Final

import click

from pipeline.commands.parts import MOMENT, Number, examples
from pipeline.text.terminal import say, say_json

# As in components/outcome_recorder/populations.py, which imports psycopg2; a test compares them.
SLICES: Final = ("customer_tier", "region", "silence_state")
_SHOWN: Final = 30
"""Accounts that the table shows unless told."""


@click.command(
    name="outcomes",
    epilog=examples(
        "tens-insight outcomes",
        "tens-insight outcomes --horizon 30 --slice customer_tier",
        "tens-insight outcomes --missed",
        "tens-insight outcomes --missed --since 2026-10-01 --csv > missed.csv",
    ),
)
@click.option("--missed", is_flag=True, help="List the accounts that left with a low score.")
@click.option(
    "--horizon",
    type=Number(1, 3650),
    help="Days that the probability looks ahead. Default: those of churn_probability.",
)
@click.option("--model", help="Only this model; the beginning of its version is enough.")
@click.option("--slice", "slice_", type=click.Choice(SLICES), help="By the values of this column.")
@click.option("--since", type=MOMENT, help="With --missed: only accounts that left since then.")
@click.option(
    "--limit",
    type=Number(0),
    help=f"With --missed: accounts at most; 0 for all. Default: {_SHOWN} in the table, else all.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV with a head.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one line of JSON.")
def command(
    missed: bool,
    horizon: int | None,
    model: str | None,
    slice_: str | None,
    since: datetime | None,
    limit: int | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Shows how good the scores were, by model and month, once it is known who left.

    A score is compared with what became of its account when its window is over, 60 days after it
    was published, say. The text of the feedback is never read.
    """
    from components.outcome_recorder.listing import Asked, read_outcomes
    from pipeline.database import consistent_read
    from pipeline.settings import load_settings
    from pipeline.text.outcomes import (
        metrics_csv,
        missed_csv,
        missed_lines,
        outcome_lines,
        outcomes_json,
    )

    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other.")
    if not missed and (since is not None or limit is not None):
        raise click.UsageError("--since and --limit belong to --missed.")
    if missed and (slice_ is not None or horizon is not None):
        raise click.UsageError("--slice and --horizon do not go together with --missed.")
    if limit is None and not as_csv and not as_json:
        limit = _SHOWN
    asked = Asked(horizon, model, slice_ or "overall", since, limit or None, missed)
    with consistent_read(load_settings(), "outcomes") as cursor:
        found = read_outcomes(cursor, asked)
    if as_json:
        say_json(outcomes_json(found))
    elif as_csv:
        say(missed_csv(found) if missed else metrics_csv(found), nl=False)
    else:
        for line in missed_lines(found) if missed else outcome_lines(found):
            say(line)
