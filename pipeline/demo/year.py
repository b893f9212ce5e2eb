"""A year of weekly scores in which three things go wrong, for the monitor to tell.

It runs the very commands that people type, on a scratch database and a state directory of its own.
A champion is trained on what there is; then feedback and churn dates arrive week by week, and each
week is scored:

- From month 4 on the rows of one source come under another name.
- From month 7 on the enrichment calls more of the same messages negative.
- From month 10 on more accounts leave, and nothing in their feedback tells it before.

At the end the page of the monitor is written, and the checks say what it has to hold.
"""

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg2

from components.postgres.connection import connect
from components.postgres.queries import queries
from pipeline.demo.drill import Drill
from pipeline.demo.simulate import simulate
from pipeline.local_database.embedded_postgres import EmbeddedPostgres

_QUERIES: Final = queries(__package__)

ACCOUNTS: Final = 6_000
"""That ever sign up; a gate cannot tell a model from chance on much fewer."""
WEEKS: Final = 52
DAYS: Final = 540
"""Of the record before the first score."""
WEEK: Final = timedelta(days=7)
MONTH: Final = timedelta(days=365) / 12
RENAMED: Final = ("zendesk", "zendesk_v2")
NEGATIVE_SHARE: Final = 0.3
"""Of the messages that would be neutral, and are called negative from month 7 on."""
LEAVING_SHARE: Final = 0.15
"""Of the accounts, which leave at random moments within ninety days from month 10 on."""
SOON: Final = timedelta(days=14)
TOLERANT: Final = {"TENS_INSIGHT_DATA_CHECKS": '{"drift": "warn", "skew": "warn"}'}
"""The checks of the data would stop the run where the monitor is to be seen."""


@dataclass(frozen=True)
class Year:
    """The moments of a year, UTC."""

    begin: datetime

    @property
    def weeks(self) -> list[datetime]:
        """The moments that are scored."""
        return [self.begin + WEEK * week for week in range(1, WEEKS + 1)]

    def month(self, number: int) -> datetime:
        """Returns when a month begins, counted from 1."""
        return self.begin + MONTH * (number - 1)


def run_year(state_dir: Path, page: Path, say: Callable[[str], object]) -> int:
    """Goes through the year; returns how many checks held.

    Args:
        state_dir: A folder of its own; the server in it is stopped at the end.
        page: Where the page of the monitor is written.
        say: Told each command and check, a line each.

    Raises:
        DrillFailed: Names what should have held.
        DatabaseUnreachable: The scratch server cannot be started.
    """
    server = EmbeddedPostgres(state_dir)
    drill = Drill(state_dir, server.start(), say)
    try:
        year = simulated_year(drill, ACCOUNTS)
        summary = drill.run("run", "train", "--as-of", year.begin.isoformat(), "--json")
        drill.check("the model is blessed", summary["gate"]["blessed"])
        arrived = year.begin
        for moment in year.weeks:
            ask(drill, "arrive", since=arrived, until=moment)
            drill.run("run", "score", "--as-of", moment.isoformat(), "--json", **TOLERANT)
            arrived = moment
        _told(drill, year)
        drill.run("monitor", "--html", str(page), "--runs", str(WEEKS))
        return drill.checks
    finally:
        server.stop()


def simulated_year(drill: Drill, accounts: int) -> Year:
    """Simulates all of it, plants the changes, and sets aside what comes after its beginning."""
    os.environ["DATABASE_URL"] = drill.url
    with closing(connect("tens-insight year")) as connection:
        days = DAYS + WEEKS * WEEK.days
        world = simulate(connection, accounts=accounts, days=days, seed=1, scenario="strong")
    year = Year(world.ended_at - WEEK * WEEKS)
    ask(drill, "set_aside", since=year.begin)
    ask(drill, "rename_source", since=year.month(4), old=RENAMED[0], new=RENAMED[1])
    ask(drill, "harsher_enrichment", since=year.month(7), share=NEGATIVE_SHARE)
    ask(drill, "more_leave", since=year.month(10), share=LEAVING_SHARE)
    return year


def _told(drill: Drill, year: Year) -> None:
    """Checks that the monitor tells all three, and nothing before the first."""
    alarms = drill.run("monitor", "--json")["alarms"]
    opened = [datetime.fromisoformat(one["opened_at"]) for one in alarms]
    drill.check("no alarm before month 4", all(one >= year.month(4) for one in opened))
    for number, what in ((4, "the source was renamed"), (7, "the enrichment changed")):
        begin = year.month(number)
        soon = any(begin <= one <= begin + SOON for one in opened)
        drill.check(f"an alarm within {SOON.days} days after {what}", soon)
    losses = _log_losses(drill, f"{year.month(10) + MONTH / 2:%Y-%m}")
    drill.check(
        "log-loss of the scores after month 10 is worse than any that was estimated",
        losses["realised"]["low"] > losses["estimated"]["high"],
    )


def _log_losses(drill: Drill, month: str) -> dict[str, dict[str, Any]]:
    """Returns the log-loss of a month's scores on all accounts, by kind."""
    found = drill.run("outcomes", "--json")["performance"]
    return {
        one["kind"]: one
        for one in found
        if (one["month"], one["metric"], one["band"]) == (month, "log_loss", "")
    }


def ask(drill: Drill, query: str, **values: Any) -> None:
    """Asks the drill's database one of the queries of this package."""
    with closing(psycopg2.connect(drill.url)) as connection, connection:
        connection.cursor().execute(_QUERIES[query], values)
