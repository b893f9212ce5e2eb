"""Five bad models that got past the gate, each through the real commands until it is rolled back.

A world is simulated, a good champion learns from it and publishes. Then, for each bad model, in a
copy of the database and of the state directory:

1. The bad model learns from a copy of the input that is wrong in its own way (bad_models.sql), by
   `run train` with a gate that blesses everything, and is champion from then on.
2. On the input as it is, `run auto` scores, and the former champion scores in shadow.
3. Feedback and churn dates arrive until the window closes; one call closes it, that of the next day
   decides. So on for a year, or until the bad model is rolled back.
4. The table must then be, byte for byte, what `run score` publishes of the former champion on a
   copy of that day's database, by a state directory in which the bad model never was.

    python -m bench.bad_models

Ends at once with an error where a model is not withdrawn although the evidence is there, or is
withdrawn without it, and at the end with 1 if a table differs. A model that a year does not give
the evidence for is told, and is no failure.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, Final

import psycopg2
from psycopg2 import sql

from components.postgres.queries import named_queries
from pipeline.demo.drill import Drill, scratch_folder
from pipeline.demo.simulate import simulate
from pipeline.demo.year import ask
from pipeline.local_database.embedded_postgres import EmbeddedPostgres

ACCOUNTS: Final = 12_000
DAYS: Final = 540
HORIZON: Final = timedelta(days=60)
DAY: Final = timedelta(days=1)
WINDOWS: Final = 6
KINDS: Final = ("constant", "inverted", "leak", "stale", "harsher")
QUICK: Final = {"TENS_INSIGHT_MEMBERS": "1", "TENS_INSIGHT_MAX_TRAINING_EXAMPLES": "50000"}
WARNED: Final = {
    "TENS_INSIGHT_DATA_CHECKS": json.dumps(
        dict.fromkeys(
            ("schema", "size", "freshness", "truth", "identity", "volume", "drift", "skew"), "warn"
        )
    )
}
NEVER_TRAINED: Final = {"TENS_INSIGHT_RETRAIN_MIN_GAP_DAYS": "3650"}
BREAKER_OPEN: Final = {
    "TENS_INSIGHT_MAX_COUNT_CHANGE": "1000",
    "TENS_INSIGHT_MAX_MEAN_SHIFT": "1",
    "TENS_INSIGHT_MAX_CATEGORY_SHIFT": "1",
    "TENS_INSIGHT_MAX_MOVED_SHARE": "1",
}
GOOD: Final = "good"
REFERENCE: Final = "reference"


@dataclass(frozen=True)
class Found:
    """What became of one bad model.

    Attributes:
        kind: Of KINDS.
        version: Of the bad model.
        gate: What the gate would have said.
        windows: Closed windows when it was rolled back; 0 if it never was.
        sentence: The evidence, as the policy says it.
        equal: Whether the table is what the former champion publishes; None without a rollback.
    """

    kind: str
    version: str
    gate: str
    windows: int
    sentence: str
    equal: bool | None


class Ground:
    """A scratch server with a world and a good champion, and copies of both by name."""

    def __init__(self, folder: Path, accounts: int, say: Callable[[str], object]):
        self._folder, self._say = folder, say
        self._server = EmbeddedPostgres(folder / "server")
        self._server.start()
        self._server.create_database(GOOD)
        base = self.drill(GOOD)
        with closing(psycopg2.connect(base.url)) as connection:
            days = DAYS + (WINDOWS * HORIZON + DAY).days + 1
            world = simulate(connection, accounts=accounts, days=days, seed=1, scenario="strong")
        self.begin = world.ended_at - WINDOWS * HORIZON - 2 * DAY
        ask(base, "set_aside", since=self.begin)
        summary = base.run("run", "train", "--as-of", self.begin.isoformat(), "--json", **QUICK)
        base.check("the good model is blessed", summary["gate"]["blessed"])
        self.good = str(summary["published"]["model_version"])

    def stop(self) -> None:
        """Stops the server."""
        self._server.stop()

    def drill(self, name: str) -> Drill:
        """Returns how to run commands on a database and the state directory of the same name."""
        return Drill(self._folder / name, self._server.url(name), self._say)

    def copy_database(self, name: str, of: str = GOOD) -> None:
        """Makes a database as another one is; what was under that name is gone."""
        with closing(psycopg2.connect(self._server.url("postgres"))) as connection:
            connection.autocommit = True
            cursor, new = connection.cursor(), sql.Identifier(name)
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(new))
            cursor.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(new, sql.Identifier(of))
            )

    def copy_state(self, name: str) -> None:
        """Makes a state directory in which the good model is the only one."""
        shutil.copytree(self._folder / GOOD, self._folder / name)


def main(arguments: list[str] | None = None) -> int:
    """Runs the drill; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--accounts", type=int, default=ACCOUNTS, help="That ever sign up.")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    options = parser.parse_args(arguments)
    with scratch_folder() as folder:
        ground = Ground(folder, options.accounts, lambda line: print(line, flush=True))
        try:
            found = [went(ground, kind) for kind in options.kinds]
        finally:
            ground.stop()
    print("", *lines(found), sep="\n")
    return int(any(one.equal is False for one in found))


def went(ground: Ground, kind: str) -> Found:
    """Plants one bad model, and follows it until it is rolled back, or for a year."""
    version, gate = planted(ground, kind)
    ground.copy_database(kind)  # the input as it is
    drill = ground.drill(kind)
    first = ground.begin + DAY
    auto(drill, first, **BREAKER_OPEN)
    drill.check("the bad model scores", scoring_model(drill) == version)
    sentence, arrived = "", ground.begin
    for window in range(1, WINDOWS + 1):
        closed = first + window * HORIZON
        ask(drill, "arrive", since=arrived, until=closed)
        auto(drill, closed, **BREAKER_OPEN)
        ask(drill, "arrive", since=closed, until=closed + DAY)
        arrived = closed + DAY
        rule = rollback_rule(drill, arrived)
        sentence = str(rule["now"])
        drill.say(f"  {sentence}")
        ground.copy_database(REFERENCE, of=kind)
        auto(drill, arrived)
        withdrawn = scoring_model(drill) == ground.good
        drill.check("it is withdrawn if the evidence is there", withdrawn == bool(rule["act"]))
        if withdrawn:
            equal = drill.table() == reference_table(ground, arrived)
            return Found(kind, version, gate, window, sentence, equal)
    return Found(kind, version, gate, 0, sentence, None)


def reference_table(ground: Ground, moment: datetime) -> str:
    """Publishes with the former champion where no other was, and returns the hash of the table."""
    ground.copy_state(REFERENCE)
    drill = ground.drill(REFERENCE)
    drill.run("run", "score", "--as-of", moment.isoformat(), "--json", **BREAKER_OPEN)
    shutil.rmtree(drill.state_dir)
    return drill.table()


def planted(ground: Ground, kind: str) -> tuple[str, str]:
    """Trains a bad model on a wrong copy of the input; returns its version, and the gate's word."""
    ground.copy_database(kind)
    ground.copy_state(kind)
    wrong = replace(ground.drill(kind), module="bench.past_the_gate")
    statements = named_queries((resources.files("bench") / "bad_models.sql").read_text("utf-8"))
    with closing(psycopg2.connect(wrong.url)) as connection, connection:
        connection.cursor().execute(statements[kind], {"until": ground.begin})
    settings = {**QUICK, **WARNED, **BREAKER_OPEN}
    summary = wrong.run("run", "train", "--as-of", ground.begin.isoformat(), "--json", **settings)
    version = wrong.champion()
    wrong.check("the bad model is champion", version not in (ground.good, "none"))
    failed = [one["name"] for one in summary["gate"]["checks"] if one["verdict"] == "failed"]
    return version, ", ".join(failed) or "passed"


def auto(drill: Drill, moment: datetime, **settings: str) -> None:
    """Calls `run auto`, which never trains here."""
    drill.run("run", "auto", "--as-of", moment.isoformat(), "--json", **NEVER_TRAINED, **settings)


def scoring_model(drill: Drill) -> str:
    """Returns the model of the newest publication."""
    with closing(psycopg2.connect(drill.url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT model_version FROM account_risk_scores")
        (found,) = cursor.fetchall()
    return str(found[0])


def rollback_rule(drill: Drill, moment: datetime) -> dict[str, Any]:
    """Returns what the policy says of rolling back at a moment."""
    told = drill.run("policy", "--json", "--as-of", moment.isoformat(), **NEVER_TRAINED)
    return next(rule for rule in told["rules"] if rule["name"] == "roll back")


def lines(found: list[Found]) -> Iterator[str]:
    """Yields the table, as docs/policy.md has it."""
    yield "| bad model | what the gate says of it | rolled back after | the table then | evidence |"
    yield "|---|---|---|---|---|"
    for one in found:
        windows = f"{one.windows} windows" if one.windows != 1 else "1 window"
        when = windows if one.windows else "not within a year"
        table = {None: "", True: "equal", False: "DIFFERS"}[one.equal]
        yield f"| {one.kind} | {one.gate} | {when} | {table} | {one.sentence} |"


if __name__ == "__main__":
    sys.exit(main())
