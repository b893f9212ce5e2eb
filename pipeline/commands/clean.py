"""`tens-insight clean`: removes what old runs left and nothing needs."""

from datetime import timedelta
from typing import Any

import click

from pipeline.commands.durations import A_DAY, DURATION
from pipeline.commands.parts import examples
from pipeline.text.terminal import say, say_json


@click.command(
    name="clean", epilog=examples("tens-insight clean --dry-run", "tens-insight clean --wait 2h")
)
@click.option("--dry-run", is_flag=True, help="Say what would go and what stays; change nothing.")
@click.option(
    "--wait",
    metavar="DURATION",
    type=DURATION,
    is_flag=False,
    flag_value=A_DAY,
    help="Wait for a run on the state directory, a day at most or so long: 90m, 2h.",
)
@click.option("--json", "as_json", is_flag=True, help="Print it as one line of JSON.")
def command(dry_run: bool, wait: timedelta | None, as_json: bool) -> None:
    """Removes artifacts and logs of old runs.

    Kept are the newest KEEP_RUNS runs of each pipeline, those of the last KEEP_DAYS days, and all
    that belongs to the champion, the former champion, a pinned or promoted model, one in shadow,
    the newest KEEP_MODELS blessed models, and the models of what is published; the gate's
    decisions, and evaluation reports that nobody signed. A model whose files go is withdrawn.
    """
    from pipeline.logs import silence_libraries
    from pipeline.policy.cleaning import clean, planned
    from pipeline.settings import load_settings
    from pipeline.text.policy import plan_lines

    silence_libraries()
    minutes = None if wait is None else wait.total_seconds() / 60
    settings = load_settings(wait_minutes=minutes)
    found = planned(settings) if dry_run else clean(settings, say)
    if as_json:
        say_json({"dry_run": dry_run, **_json(found)})
        return
    for line in plan_lines(found, dry_run=dry_run):
        say(line)


def _json(found: Any) -> dict[str, Any]:
    return {
        "bytes": found.size,
        "removed": [vars(one) for one in found.removals],
        "withdrawn": list(found.withdrawals),
        "kept_runs": dict(found.kept_runs),
    }
