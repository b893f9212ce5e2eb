"""The drill of the person on call: a bad model, a withdrawal, and the way back.

It runs the very commands that people type, each in a process of its own, on a scratch
database and a state directory of its own, and checks after each what it should have done:

1. A champion is trained, and publishes.
2. A newer model is trained on newer feedback, is blessed, and publishes.
3. A challenger that learnt from wrong churn dates is refused; the champion goes on scoring.
4. The champion is withdrawn; the former one is champion at once, and scores.
5. That publication is undone: the table is what it was before, byte for byte.
6. The withdrawn model is promoted again: the state of step 3.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg2

from components.errors import TensInsightError
from components.postgres.connection import connect
from components.postgres.queries import queries
from pipeline.demo.simulate import simulate
from pipeline.local_database.embedded_postgres import EmbeddedPostgres

_QUERIES: Final = queries(__package__)

ACCOUNTS: Final = 8_000
DAYS: Final = 540
BETWEEN_MODELS: Final = timedelta(days=14)
EVAL_WINDOW: Final = timedelta(days=60)
"""The horizon: churn dates within it are what a challenger is judged on."""
WRONG_DATES: Final = {"TENS_INSIGHT_CHURN_TABLE": "account_churn_delayed"}


class DrillFailed(TensInsightError):
    """A step did not do what it should have done."""


@dataclass
class Drill:
    """A scratch database and state directory, and how to run commands in them.

    Attributes:
        state_dir: Of the server, of ML Metadata and of all artifacts.
        url: Of the database.
        say: Told each command and what was checked, a line each.
        module: What is run as `tens-insight`.
    """

    state_dir: Path
    url: str
    say: Callable[[str], object]
    module: str = "pipeline.cli"
    checks: int = field(default=0)

    def run(self, *arguments: str, **settings: str) -> dict[str, Any]:
        """Runs a command of ours and returns its JSON, the last line that it prints.

        Raises:
            DrillFailed: It ended with another exit code than 0.
        """
        code, content, said = self._call(*arguments, **settings)
        if code:
            raise DrillFailed(f"`tens-insight {' '.join(arguments)}` ended with {code}:\n{said}")
        return content

    def attempt(self, *arguments: str, **settings: str) -> tuple[int, dict[str, Any]]:
        """Runs a command that may fail; returns its exit code, and its JSON."""
        code, content, _ = self._call(*arguments, **settings)
        return code, content

    def _call(self, *arguments: str, **settings: str) -> tuple[int, dict[str, Any], str]:
        self.say(f"$ tens-insight {' '.join(arguments)}")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TENS_INSIGHT_")}
        environment |= {"DATABASE_URL": self.url, "TENS_INSIGHT_STATE_DIR": str(self.state_dir)}
        command = [sys.executable, "-m", self.module, *arguments]
        done = subprocess.run(
            command, env=environment | settings, capture_output=True, text=True, check=False
        )
        last = (done.stdout.splitlines() or [""])[-1]
        content = json.loads(last) if last.startswith("{") else {}
        return done.returncode, content, done.stderr

    def table(self) -> str:
        """Returns a hash of every byte of account_risk_scores."""
        content = io.BytesIO()
        rows = "SELECT * FROM public.account_risk_scores ORDER BY account_id"
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.copy_expert(f"COPY ({rows}) TO STDOUT (FORMAT binary)", content)  # type: ignore[arg-type]
        return hashlib.sha256(content.getvalue()).hexdigest()

    def champion(self) -> str:
        """Returns the version of the champion, as `models list` has it."""
        models = self.run("models", "list", "--json")["models"]
        return next((str(model["version"]) for model in models if model["champion"]), "none")

    def check(self, what: str, holds: bool) -> None:
        """Says what holds.

        Raises:
            DrillFailed: It does not.
        """
        if not holds:
            raise DrillFailed(f"This should hold, and does not: {what}.")
        self.checks += 1
        self.say(f"  checked: {what}")


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Makes a folder for a drill; it is kept where the drill fails, so that one can look."""
    folder = Path(tempfile.mkdtemp(prefix="tens-insight-drill-"))
    folder.chmod(0o711)  # as root the server runs as nobody, who must pass to its own folder
    yield folder
    shutil.rmtree(folder)


def run_drill(state_dir: Path, say: Callable[[str], object]) -> int:
    """Runs the whole drill; returns how many checks held.

    Args:
        state_dir: A folder of its own; the server in it is stopped at the end.
        say: Told each command and check, a line each.

    Raises:
        DrillFailed: Names the step and what should have held.
        DatabaseUnreachable: The scratch server cannot be started.
    """
    server = EmbeddedPostgres(state_dir)
    drill = Drill(state_dir, server.start(), say)
    try:
        end = _simulated_world(drill)
        first = _train_a_champion(drill, end - BETWEEN_MODELS)
        second = _train_a_newer_one(drill, end, first)
        before = _refuse_a_worse_one(drill, end, second)
        _withdraw_and_score(drill, end, first, second)
        _undo_and_promote(drill, before, second)
        return drill.checks
    finally:
        server.stop()


def _simulated_world(drill: Drill) -> datetime:
    os.environ["DATABASE_URL"] = drill.url
    with closing(connect("tens-insight drill")) as connection:
        world = simulate(connection, accounts=ACCOUNTS, days=DAYS, seed=1, scenario="strong")
    return world.ended_at


def _train_a_champion(drill: Drill, as_of: datetime) -> str:
    drill.say("1. Train a champion.")
    summary = drill.run("run", "train", "--as-of", as_of.isoformat(), "--json")
    version = str(summary["published"]["model_version"])
    drill.check("the model is blessed", summary["gate"]["blessed"])
    drill.check(f"the champion is {version}", drill.champion() == version)
    return version


def _train_a_newer_one(drill: Drill, as_of: datetime, first: str) -> str:
    drill.say("2. Train on two more weeks of feedback.")
    summary = drill.run("run", "train", "--as-of", as_of.isoformat(), "--json")
    version = str(summary["published"]["model_version"])
    drill.check("the newer model is blessed", summary["gate"]["blessed"] and version != first)
    drill.check(f"the champion is {version}", drill.champion() == version)
    return version


def _refuse_a_worse_one(drill: Drill, as_of: datetime, second: str) -> str:
    drill.say("3. Train a challenger on churn dates that an import got wrong.")
    before = drill.table()
    _delay_churn(as_of - EVAL_WINDOW)
    summary = drill.run("run", "train", "--as-of", as_of.isoformat(), "--json", **WRONG_DATES)
    gate = summary["gate"]
    drill.say(f"  {gate['summary']}")
    drill.check("the challenger is not blessed", not gate["blessed"])
    drill.check("the champion scored", summary["published"]["model_version"] == second)
    drill.check("the table is the same, byte for byte", drill.table() == before)
    return before


def _delay_churn(before: datetime) -> None:
    """Makes the table of wrong dates: of everyone who was gone before a moment."""
    with closing(connect("tens-insight drill")) as connection, connection:
        connection.cursor().execute(_QUERIES["delay_churn"], {"before": before})


def _withdraw_and_score(drill: Drill, as_of: datetime, first: str, second: str) -> None:
    drill.say("4. Withdraw the champion.")
    drill.run("models", "withdraw", second, "--reason", "drill")
    drill.check(f"the former champion {first} is champion", drill.champion() == first)
    summary = drill.run("run", "score", "--as-of", as_of.isoformat(), "--json")
    drill.check("the former champion scored", summary["published"]["model_version"] == first)


def _undo_and_promote(drill: Drill, before: str, second: str) -> None:
    drill.say("5. Undo that publication.")
    drill.check("the table is another one now", drill.table() != before)
    drill.run("publications", "undo", "--reason", "drill")
    drill.check("the table is what it was, byte for byte", drill.table() == before)
    drill.say("6. Promote the withdrawn model again.")
    drill.run("models", "promote", second, "--reason", "drill")
    drill.check(f"the champion is {second}", drill.champion() == second)
