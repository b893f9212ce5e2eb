"""The monitored year under `run auto` alone: once a week, on two of which the database is down.

The events are those of pipeline/demo/year.py. Nobody trains, promotes or withdraws: the first call
finds no champion, and trains. At the end there is a log of what was done and why: two pages.
"""

import textwrap
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from components.model_gate.gate_check import OVERALL
from components.page.numbers import counted
from components.state_files import replace_text
from pipeline.demo.drill import Drill
from pipeline.demo.year import TOLERANT, WEEK, Year, ask, simulated_year
from pipeline.local_database.embedded_postgres import EmbeddedPostgres

ACCOUNTS: Final = 2_000
HOUR: Final = timedelta(hours=1)
DOWN: Final = (18, 33)
"""Weeks in which the database does not answer."""
QUICK: Final = {"TENS_INSIGHT_MEMBERS": "1"}
"""One network in place of six: there are a dozen trainings."""
WEEKLY: Final = {"TENS_INSIGHT_ALERT_RUN_EVERY_HOURS": str(WEEK // HOUR + 2)}
"""Of a weekly schedule: a call does not say that runs were missed since the one before."""
PAGES: Final = 120
"""Lines of two pages."""
_DATABASE_DOWN: Final = 5
_NAMED: Final = 2
"""Failed checks that are named."""


class Call(NamedTuple):
    """What a call of `run auto` came to.

    Attributes:
        code: The exit code.
        error: What a failed call said, a sentence; empty if it did not fail.
        version: The model that was published; empty if nothing was.
        refused: What failed at the gate, with values; empty where no new model was refused.
    """

    code: int
    error: str
    version: str
    refused: str

    @classmethod
    def of(cls, code: int, summary: dict[str, Any]) -> "Call":
        """Reads the JSON that the call printed."""
        published, gate = summary.get("published"), summary.get("gate")
        version = published.get("model_version", "") if isinstance(published, dict) else ""
        checks = gate["checks"] if isinstance(gate, dict) else ()
        failed = [one for one in checks if one["verdict"] == "failed"]
        error = str(summary.get("error", "")).partition(". ")[0].partition(" at ")[0]
        return cls(code, error, str(version), _refused(failed))


def run_auto_year(state_dir: Path, log: Path, say: Callable[[str], object]) -> int:
    """Goes through the year; returns how many checks held.

    Args:
        state_dir: A folder of its own; the server in it is stopped at the end.
        log: Where the log is written.
        say: Told each command and check, a line each.

    Raises:
        DrillFailed: Names what should have held.
        DatabaseUnreachable: The scratch server cannot be started.
    """
    server = EmbeddedPostgres(state_dir)
    drill = Drill(state_dir, server.start(), say)
    try:
        year = simulated_year(drill, ACCOUNTS)
        weeks = dict(_weeks(drill, server, year))
        told = drill.run(
            "policy", "--acts", "1000", "--json", "--as-of", year.weeks[-1].isoformat()
        )
        lines = list(log_lines(weeks, told["done"]))
        replace_text(log, "\n".join(lines) + "\n")
        _checked(drill, weeks, told["done"], lines)
        return drill.checks
    finally:
        server.stop()


def _weeks(drill: Drill, server: EmbeddedPostgres, year: Year) -> Iterator[tuple[datetime, Call]]:
    """Yields what each week's call came to."""
    arrived = year.begin
    for week, moment in enumerate((year.begin, *year.weeks)):
        if week:
            ask(drill, "arrive", since=arrived, until=moment)
            arrived = moment
        if week in DOWN:
            server.stop()
        code, summary = drill.attempt(
            "run", "auto", "--as-of", moment.isoformat(), "--json", **TOLERANT, **QUICK, **WEEKLY
        )
        if week in DOWN:
            server.start()
        yield moment, Call.of(code, summary)


def log_lines(weeks: dict[datetime, Call], acts: list[dict[str, Any]]) -> Iterator[str]:
    """Yields the log: each act and each call that failed, in the order of time, at 100 columns."""
    yield f"A year under `tens-insight run auto`, {len(weeks)} weekly calls"
    yield ""
    before = ""
    for moment, call in weeks.items():
        own = [one for one in acts if datetime.fromisoformat(one["as_of"]) == moment]
        lines = [_act_line(one) for one in own]
        if call.refused:
            lines.append(f"not blessed: {call.refused}")
        if call.code:
            lines.append(f"exit code {call.code}: {call.error}")
        if call.version and call.version != before:
            lines.append(f"published with {call.version}")
            before = call.version
        for number, line in enumerate(lines):
            begin = f"{moment:%Y-%m-%d}  " if not number else " " * 12
            yield from textwrap.wrap(
                line, 100, initial_indent=begin, subsequent_indent=" " * 14, break_on_hyphens=False
            )


def _refused(failed: list[dict[str, Any]]) -> str:
    """Names the first failed checks with their values, and counts the others."""
    named = [_named(one) for one in failed[:_NAMED]]
    more = len(failed) - len(named)
    return ", ".join(named) + (f", and {counted(more, 'check', 'checks')} more" if more else "")


def _named(check: dict[str, Any]) -> str:
    part = "" if check["slice"] == OVERALL else f" of {check['slice']}"
    value = "" if check["value"] is None else f" {check['value']:.4f}"
    return f"{check['name']}{part}{value}"


def _act_line(act: dict[str, Any]) -> str:
    named = f"{act['kind']} {act.get('model_version', '')}".strip()
    return f"{named}: {act['reason']}"


def _checked(
    drill: Drill,
    weeks: dict[datetime, Call],
    acts: list[dict[str, Any]],
    lines: list[str],
) -> None:
    failed = [call.code for call in weeks.values() if call.code]
    trained = [datetime.fromisoformat(one["as_of"]) for one in acts if one["kind"] == "train"]
    gaps = [later - earlier for earlier, later in pairwise(trained)]
    drill.check(
        "the weeks without a database ended with 5", failed.count(_DATABASE_DOWN) == len(DOWN)
    )
    drill.check("every other week ended well", len(failed) == len(DOWN))
    drill.check("no two trainings lie closer than the gap", all(gap >= WEEK for gap in gaps))
    drill.check("it trained again", len(trained) > 1)
    drill.check("the log fits two pages", len(lines) <= PAGES)
