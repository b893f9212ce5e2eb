"""Where the campaigns of bench/torture.py take place: a server, what is published, and a look."""

import os
import random
import signal
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import psycopg2

from components.postgres.connection import connect
from components.postgres.migrate import migrate
from components.postgres.tables import ACCOUNT_RISK_DETAILS, ACCOUNT_RISK_SCORES
from components.publishing.config import ScorePublishingConfig
from components.publishing.details import Details
from components.publishing.publication import Publication, PublishPolicy
from components.publishing.publish import publish
from components.publishing.undo import undo
from pipeline.local_database.embedded_postgres import EmbeddedPostgres

ROWS: Final = 1_500
PATIENCE_S: Final = 120.0
_AS_OF: Final = datetime(2026, 1, 1, tzinfo=timezone.utc)
_SEED: Final = 20261128
_LAX: Final = ScorePublishingConfig(
    max_count_change=1.0, max_mean_shift=1.0, max_category_shift=1.0, max_moved_share=1.0
)
_SOCKET: Final = ".s.PGSQL.5432"

_SHOWN: Final = """
SELECT model_version, count(*)
FROM public.account_risk_scores
GROUP BY model_version, churn_probability, health_score, predicted_at"""
_DETAILED: Final = """
SELECT reasons -> 0 ->> 'text', count(*) FROM tens_insight.account_risk_details GROUP BY 1"""
_NEWEST: Final = """
SELECT model_version, rows_written,
       (SELECT count(*) FROM tens_insight.account_risk_score_history AS row
        WHERE row.publication_id = newest.publication_id)
FROM tens_insight.publications AS newest
WHERE undone_at IS NULL
ORDER BY publication_id DESC
LIMIT 1"""
_TWICE: Final = """
SELECT coalesce(sum(times - 1), 0)::int
FROM (SELECT count(*) AS times FROM tens_insight.publications GROUP BY run_id) AS published"""
_BUSY: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name IN ('tens-insight publish', 'tens-insight undo') AND state <> 'idle'"""


@dataclass(frozen=True)
class Look:
    """What the tables hold.

    Attributes:
        version: Of the rows; None where they are of several, or the log says another.
        rows: How many of the one version; 0 where they are of several.
        twice: Publications that are in the log more than once, all so far.
    """

    version: int | None
    rows: int
    twice: int


class Child:
    """A forked process that does one piece of work."""

    def __init__(self, work: Callable[[], object], url: str, said: Path):
        """Forks it.

        Args:
            work: What it does.
            url: The database that it finds.
            said: Gets what it prints and its traceback.
        """
        self.said = said
        self.pid = os.fork()
        self._status: int | None = None
        if self.pid == 0:
            os._exit(_done(work, url, said))

    @property
    def runs(self) -> bool:
        """Whether it still works."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = status if pid else None
        return self._status is None

    def kill(self) -> bool:
        """Kills it; tells whether there was anything left to kill."""
        if not self.runs:
            return False
        os.kill(self.pid, signal.SIGKILL)
        return os.WIFSIGNALED(self.wait())

    def wait(self) -> int:
        """Waits for its end and returns its status; 0 is success."""
        deadline = time.monotonic() + PATIENCE_S
        while self.runs:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.002)
        assert self._status is not None
        return self._status


class Ground:
    """A durable server of its own, its tables, and the version that was published last."""

    def __init__(self, folder: Path):
        """Names the folder of the server; nothing is started."""
        self.folder = folder
        self.server = EmbeddedPostgres(folder / "server")
        self.version = 0
        self.dice = random.Random(_SEED)  # noqa: S311 -- it chooses moments
        self._looking: Any = None

    def prepare(self) -> None:
        """Starts the server, makes the tables, and publishes a first version."""
        os.environ["DATABASE_URL"] = self.url = self.server.start()
        with closing(connect("tens-insight torture")) as connection:
            migrate(connection)
        self.next_version()
        publish_version(self.version)

    def stop(self) -> None:
        """Stops the server."""
        self._forget()
        self.server.stop()

    def next_version(self) -> int:
        """Counts on, and returns the version to publish."""
        self.version += 1
        return self.version

    def fork(self, work: Callable[[], object], url: str | None = None) -> Child:
        """Lets another process do something."""
        self._forget()  # no connection is shared with it
        return Child(work, url or self.url, self.folder / "child.txt")

    def crash(self) -> None:
        """Stops the server as a power cut would, and starts it again."""
        self._forget()
        pid_file = next(self.folder.glob("server/**/postmaster.pid"))
        pid = int(pid_file.read_text().splitlines()[0])
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + PATIENCE_S
        while Path(f"/proc/{pid}").exists() and not _is_zombie(pid):
            assert time.monotonic() < deadline, "the server does not stop"
            time.sleep(0.01)
        self.server.start()

    def socket_path(self) -> str:
        """Returns the path of the server's socket."""
        (folder,) = parse_qs(urlsplit(self.url).query)["host"]
        return str(Path(folder, _SOCKET))

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Returns the rows of a query, outside of any transaction."""
        if self._looking is None:
            self._looking = psycopg2.connect(self.url)
            self._looking.autocommit = True
        with self._looking.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def look(self) -> Look:
        """Waits until no publication works any more, and looks at what is there."""
        deadline = time.monotonic() + PATIENCE_S
        while self.ask(_BUSY) != [(0,)]:
            assert time.monotonic() < deadline, "a publication does not end"
            time.sleep(0.005)
        shown, detailed, newest = (self.ask(query) for query in (_SHOWN, _DETAILED, _NEWEST))
        ((twice,),) = self.ask(_TWICE)
        name, rows = shown[0] if len(shown) == 1 else ("", 0)
        whole = detailed == [(name, rows)] and newest == [(name, rows, rows)]
        return Look(int(name.partition("-")[2]) if whole else None, rows, twice)

    def _forget(self) -> None:
        if self._looking is not None:
            self._looking.close()
            self._looking = None


def publish_version(version: int) -> None:
    """Publishes ROWS scores with details, all of one version."""
    publish(
        ACCOUNT_RISK_SCORES,
        lambda: _scores(version),
        publication=Publication(
            as_of=_AS_OF + timedelta(minutes=version),
            model_version=_model(version),
            label_source="inactivity",
            run_id=f"run-{version}",
            expected_rows=ROWS,
        ),
        policy=PublishPolicy(_LAX),
        details=Details(lambda: _details(version), horizon_days=60),
    )


def undo_newest() -> None:
    """Undoes the newest publication."""
    undo(ACCOUNT_RISK_SCORES, reason="torture")


def free_port() -> socket.socket:
    """Returns a listening socket on a port of this machine that nobody uses."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def _scores(version: int) -> Iterator[tuple[object, ...]]:
    risk, moment = version % 20 / 100 + 0.01, _AS_OF + timedelta(minutes=version)
    for number in range(ROWS):
        yield (f"ACC-{number}", risk, 100 * (1 - risk), "low", moment, _model(version))


def _details(version: int) -> Iterator[tuple[object, ...]]:
    for row in _scores(version):
        horizons, reasons = f'{{"60": {row[1]}}}', f'[{{"text": "{_model(version)}"}}]'
        values = {
            "account_id": row[0],
            "churn_by_horizon": horizons,
            "tenure_days": 9.0,
            "days_since_last_event": 1.0,
            "silence_state": "active",
            "base_log_odds": -1.0,
            "other_log_odds": 0.0,
            "reasons": reasons,
        }
        yield tuple(values.get(column.name) for column in ACCOUNT_RISK_DETAILS.columns)


def _model(version: int) -> str:
    """Returns a name that sorts by the version."""
    return f"model-{version:06d}"


def _done(work: Callable[[], object], url: str, said: Path) -> int:
    """Does the work in the child; returns its exit code."""
    with said.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        os.environ["DATABASE_URL"] = url
        try:
            work()
        except BaseException:
            traceback.print_exc(file=file)
            return 1
    return 0


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
