"""`tens-insight account`: one account, its score, and the reasons for it."""

import click

from pipeline.commands.parts import examples
from pipeline.text.terminal import say, say_json

_PERIOD_DAYS = {"week": 7, "month": 30}


@click.command(
    name="account",
    epilog=examples(
        "tens-insight account ACC-001701",
        "tens-insight account ACC-001701 --by week",
        "tens-insight account ACC-001701 --others",
    ),
)
@click.argument("account_id")
@click.option(
    "--by",
    type=click.Choice(list(_PERIOD_DAYS)),
    default="month",
    show_default=True,
    help="Length of a period of the timeline: 7 or 30 days.",
)
@click.option("--others", is_flag=True, help="Also what the reasons that are not told add up from.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one line of JSON.")
def command(account_id: str, by: str, others: bool, as_json: bool) -> int:
    """Shows the score of one account and why, its feedback as counts, and earlier scores.

    The text of the feedback is never read. An account without a score, or a score
    without details, ends with exit code 2.
    """
    from pipeline.database import consistent_read
    from pipeline.exit_codes import USAGE
    from pipeline.settings import load_settings
    from pipeline.text.account import NO_DETAILS, account_lines, account_report

    settings = load_settings()
    with consistent_read(settings, "account") as cursor:
        report = account_report(
            cursor,
            account_id,
            period_days=_PERIOD_DAYS[by],
            collapse=settings.reading.duplicate_events == "collapse",
            critical_priority=settings.reading.critical_priority,
        )
    if as_json:
        say_json(report.as_json())
    else:
        for line in account_lines(report, others):
            say(line)
    if report.details is None:
        say(NO_DETAILS.format(account_id), err=True)
        return USAGE
    return 0
