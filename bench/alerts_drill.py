"""Kills runs at random moments: the switch alerts each time, and never twice.

A scratch database with a simulated world, a champion, and a webhook on loopback. Runs are ended
with SIGKILL at random moments: those that would come to their end, and those that fail, at whose
end alerts are recorded and delivered, some of these in just that moment. After each one
`tens-insight alerts check` looks twice, as a timer would. Where the run was killed before it left
a record, the switch (run_missed) must tell it. Then a run comes to its end (its record is made by
the code of runs, without a pipeline), and the end must be told, once.

    python -m bench.alerts_drill --kills 50 --folder /tmp/drill
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from pipeline.runs.record import RunRecords

_PROGRAM: Final = Path(sys.executable).with_name("tens-insight")
_COMPLETE: Final = """
from pipeline.runs.attempt import attempted
from pipeline.settings import load_settings
with attempted("score", load_settings()) as attempt:
    attempt.reached("here")
    attempt.complete(sentence="It came to its end.")
"""
_LONG: Final = "8000"
_SHORT: Final = "0.0001"
"""Hours until the switch alerts: never, and at once."""


@dataclass(frozen=True)
class Blow:
    """What came of one kill.

    Attributes:
        after_s: Seconds from the start of the process, or from the end of its work.
        in_time: Whether the process had not ended by itself.
        state: Of the run's record afterwards: none, killed, failed, complete.
        opened: Kinds that were told.
        resolved: Kinds whose end was told.
        twice: Messages with a key that had been told before.
    """

    after_s: float
    in_time: bool
    state: str
    opened: list[str]
    resolved: list[str]
    twice: int

    @property
    def as_it_should(self) -> bool:
        """Whether it was told once, and ended once; nothing where the run had come to its end."""
        wanted = {"complete": [], "none": ["run_missed"]}.get(self.state, ["run_failed"])
        return self.opened == wanted == self.resolved and not self.twice


class Receiver:
    """A webhook that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []  # key and kind of each message
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802 -- http.server calls it so
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                key = str(self.headers["Idempotency-Key"])
                receiver.told.append((key, str(body["text"]).split(": ")[2].split(" ")[0]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()


class Drill:
    """An installation to be killed.

    Args:
        folder: For the database and the state directory.
        seed: Of the random moments.
    """

    def __init__(self, folder: Path, seed: int):
        self.receiver = Receiver()
        self._seen = 0
        self._random = random.Random(seed)  # noqa: S311 -- no secret
        self._state = folder / "state"
        self._postgres = EmbeddedPostgres(folder / "server", durable=False)
        self._url = self._postgres.start()
        kept = {name: one for name, one in os.environ.items() if not name.startswith("PG")}
        self._environment = kept | {
            "DATABASE_URL": self._url,
            "TENS_INSIGHT_STATE_DIR": str(self._state),
            "TENS_INSIGHT_ALERT_WEBHOOK_URL": self.receiver.url,
            "TENS_INSIGHT_ALERT_DISK_FREE_PERCENT": "0",
            "TENS_INSIGHT_ALERT_RUN_EVERY_HOURS": _LONG,
            "TENS_INSIGHT_ALERT_SCORES_MAX_AGE_HOURS": "0",
        }

    def prepare(self, *, train: bool) -> None:
        """Simulates a world, and trains a champion where runs are to come to their end."""
        self._must("simulate", "--accounts", "1200", "--days", "420", "--scenario", "strong")
        if train:
            self._must("run", "train")
        self._seen = len(self.receiver.told)

    def stop(self) -> None:
        """Ends the server."""
        self._postgres.stop()

    def seconds_of(self, **settings: str) -> float:
        """Returns how long a run takes that nobody kills."""
        began = time.monotonic()
        self._start(**settings).wait()
        took = time.monotonic() - began
        self._must("alerts", "check")
        self._complete()
        self._seen = len(self.receiver.told)
        return took

    def kill(self, within_s: float, *, at_end: bool = False, **settings: str) -> Blow:
        """Kills one run, and looks.

        Args:
            within_s: The longest time until the kill.
            at_end: Whether that time begins when the run has recorded how it ended, and is at
                recording and delivering alerts.
            **settings: Of the run.
        """
        before = {one.run_id for one in self._records()}
        after_s = self._random.uniform(0, within_s)
        process = self._start(**settings)
        while at_end and process.poll() is None and not self._has_failed(before):
            time.sleep(0.002)
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        new = [one for one in self._records() if one.run_id not in before]
        state = new[0].state if new else "none"
        if new and new[0].exit_code == 0:
            state = "complete"
        switch = _SHORT if state == "none" else _LONG
        for _ in range(2):
            self._must("alerts", "check", TENS_INSIGHT_ALERT_RUN_EVERY_HOURS=switch)
        self._complete()
        self._must("alerts", "check")
        messages = self.receiver.told[self._seen :]
        self._seen = len(self.receiver.told)
        return Blow(
            round(after_s, 3),
            process.returncode == -signal.SIGKILL,
            state,
            [kind for key, kind in messages if key.endswith("-opened")],
            [kind for key, kind in messages if key.endswith("-resolved")],
            len(messages) - len({key for key, _ in messages}),
        )

    def _has_failed(self, before: set[str]) -> bool:
        return any(
            one.run_id not in before and one.state == "failed"
            for one in RunRecords(self._state / "runs").newest(1)
        )

    def _start(self, **settings: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [_PROGRAM, "run", "score"],
            env=self._environment | settings,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _must(self, *arguments: str, **settings: str) -> None:
        subprocess.run(
            [_PROGRAM, *arguments],
            env=self._environment | settings,
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def _complete(self) -> None:
        subprocess.run([sys.executable, "-c", _COMPLETE], env=self._environment, check=True)

    def _records(self) -> list[Any]:
        return RunRecords(self._state / "runs").newest(1_000)


def main() -> None:
    """Runs the drill and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="of each of the three sorts")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--only", choices=[sort for sort, _, _ in _SORTS], help="one sort of runs alone"
    )
    parser.add_argument("--folder", type=Path, help="default: a new one, removed at the end")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="alerts-drill-"))
    drill = Drill(folder, options.seed)
    failed = False
    try:
        drill.prepare(train=options.only in (None, "complete"))
        for sort, name, settings in _SORTS:
            if options.only not in (None, sort):
                continue
            at_end = sort == "ending"
            within_s = _END_S if at_end else drill.seconds_of(**settings)
            blows: list[Blow] = []
            while sum(one.in_time for one in blows) < options.kills:
                blows.append(drill.kill(within_s, at_end=at_end, **settings))
                print(blows[-1], file=sys.stderr, flush=True)
            failed |= not all(one.as_it_should for one in blows)
            _tell(name, within_s, blows)
    finally:
        drill.stop()
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failed else 0)


_FAILS: Final = {"TENS_INSIGHT_CHURN_TABLE": "no_such_table"}
_SORTS: Final[tuple[tuple[str, str, dict[str, str]], ...]] = (
    ("complete", "run score", {}),
    ("failing", "run score that fails", _FAILS),
    ("ending", "run score that has failed, and tells it", _FAILS),
)
_END_S: Final = 0.4
"""Longer than recording and delivering alerts takes."""


def _tell(name: str, within_s: float, blows: list[Blow]) -> None:
    states = Counter(one.state for one in blows)
    late = sum(not one.in_time for one in blows)
    print(f"{name}: {len(blows) - late} kills within {within_s:.1f} s, {late} that came too late")
    for state, number in sorted(states.items()):
        own = [one for one in blows if one.state == state]
        right = sum(one.as_it_should for one in own)
        print(f"  record {state:<10} {number:3}, as it should be {right:3}")
    print(f"  told twice: {sum(one.twice for one in blows)}")
    for one in blows:
        if not one.as_it_should:
            print(f"  WRONG: {one}")


if __name__ == "__main__":
    main()
