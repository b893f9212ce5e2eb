"""The life of an embedded PostgreSQL: made, started, found again, stopped.

The server outlives the command that started it. It can be reached only through a
unix socket in a folder that is closed to other users.
"""

import contextlib
import fcntl
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import errors, sql

from components.errors import DatabaseUnreachable
from pipeline.local_database.data_folder import (
    forget_dead_process,
    include_settings,
    moved_from,
    running_process,
    write_configuration,
)
from pipeline.local_database.postgres_install import find_programs, major_version
from pipeline.local_database.server_home import (
    SOCKET_NAME,
    expect_readable,
    find_home,
    make_home,
    make_own_socket_folder,
    make_state_dir,
    server_user,
    shelter_of,
    socket_folder,
)

DEFAULT_DATABASE = "tens_insight"
SUPERUSER = "postgres"
START_SECONDS = 60
ORPHAN_SECONDS = 20
ORPHANS_LEFT = "pre-existing shared memory block"
"""What Postgres says while backends of a killed server still end."""
LOG_LINES_SHOWN = 15


class EmbeddedPostgres:
    """A PostgreSQL server of our own below a state directory.

    Attributes:
        state_dir: Identifies the server: the same folder finds it again.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        durable: bool = True,
        hba: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ):
        """Describes a server without touching anything.

        Args:
            state_dir: The folder that names the server; start() makes it if missing.
            durable: Whether committed rows survive a power cut. Off is for tests.
            hba: Lines of pg_hba.conf put before the one that trusts the socket.
            settings: Further server settings. They and `hba` count from the next start.
        """
        self.state_dir = state_dir.absolute()
        self._durable = durable
        self._hba = tuple(hba)
        self._settings = dict(settings or {})

    def start(self) -> str:
        """Starts the server, or finds it running, and makes its default database.

        Returns:
            The URL of the database `tens_insight`.

        Raises:
            DatabaseUnreachable: It cannot be made or started; names the cause and the log.
        """
        with self._alone():
            if self.is_running():
                self._expect_at_its_place()
            else:
                self._initialise()
                forget_dead_process(self._data)
                self._launch()
        self.create_database(DEFAULT_DATABASE)
        return self.url()

    def stop(self) -> None:
        """Stops the server; does nothing where none runs.

        Raises:
            DatabaseUnreachable: It does not stop, or was moved while it ran.
        """
        if not self.exists():
            return
        with self._alone():
            if running_process(self._data) is not None:
                self._expect_at_its_place()
                self._control("stop", "--mode=fast")

    def is_running(self) -> bool:
        """Returns whether the server answers on its socket."""
        expect_readable(self._home)
        if not (self._socket / SOCKET_NAME).exists() or running_process(self._data) is None:
            return False  # what may still answer is a server whose data were deleted
        with contextlib.suppress(psycopg2.OperationalError):
            psycopg2.connect(self.url("postgres"), connect_timeout=5).close()
            return True
        return False

    def exists(self) -> bool:
        """Returns whether the cluster has been made, running or not."""
        expect_readable(self._home)
        return (self._data / "PG_VERSION").exists()

    def url(self, dbname: str = DEFAULT_DATABASE) -> str:
        """Returns the URL of one of the server's databases, for libpq and all that use it."""
        host = quote(str(self._socket), safe="")
        return f"postgresql:///{quote(dbname, safe='')}?host={host}&port=5432&user={SUPERUSER}"

    def create_database(self, name: str) -> None:
        """Makes a database unless it is there.

        Raises:
            DatabaseUnreachable: The server does not answer.
        """
        try:
            connection = psycopg2.connect(self.url("postgres"))
        except psycopg2.OperationalError as error:
            raise self._failure("does not answer", str(error)) from error
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is not None:
                return
            # Another command may make it at the same moment.
            with contextlib.suppress(errors.DuplicateDatabase, errors.UniqueViolation):
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def psql_command(self) -> str:
        """Returns a shell command that opens the default database."""
        psql = shutil.which("psql") or str(self._programs() / "psql")
        return shlex.join([psql, self.url()])

    @property
    def _home(self) -> Path:
        return find_home(self.state_dir)

    @property
    def _data(self) -> Path:
        return self._home / "data"

    @property
    def _log(self) -> Path:
        return self._home / "server.log"

    @property
    def _socket(self) -> Path:
        return socket_folder(self._home)

    def _programs(self) -> Path:
        return find_programs(server_user(self._home), shelter_of(self.state_dir))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keeps two commands from making or starting the same server at once."""
        make_state_dir(self.state_dir)
        with (self.state_dir / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _initialise(self) -> None:
        """Makes the cluster if it is missing, whole or not at all."""
        home = make_home(self.state_dir)
        user, programs = server_user(home), self._programs()
        user.make_private(self._socket)
        if self.exists():
            return self._expect_version(major_version(programs, user))
        unfinished = home / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        made = user.run(
            [
                str(programs / "initdb"),
                f"--pgdata={unfinished}",
                f"--username={SUPERUSER}",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                *([] if self._durable else ["--no-sync"]),
            ],
            home,
        )
        if made.returncode != 0:
            raise self._failure("cannot be initialised", made.stdout)
        include_settings(unfinished)
        unfinished.rename(self._data)
        return None

    def _expect_at_its_place(self) -> None:
        """Postgres knows some files by their whole path: it would break off at its next work."""
        if (former := moved_from(self._data)) is not None:
            raise DatabaseUnreachable(
                f"The embedded Postgres was moved from {former} to {self._data} while it ran, and "
                "cannot work there. Move the state directory back, run `tens-insight demo stop`, "
                "and move it then; nothing is lost."
            )

    def _expect_version(self, ours: str) -> None:
        found = (self._data / "PG_VERSION").read_text(encoding="ascii").strip()
        if found != ours:
            raise DatabaseUnreachable(
                f"The cluster in {self._data} was made by PostgreSQL {found}, and the programs "
                f"found here are PostgreSQL {ours}. Install the version that made it, or remove "
                f"{self._home} to start with an empty database."
            )

    def _launch(self) -> None:
        """Starts the postmaster in a session of its own, or waits for one that is starting."""
        if running_process(self._data) is None:
            write_configuration(
                self._data,
                make_own_socket_folder(self._socket, server_user(self._home)),
                durable=self._durable,
                hba=self._hba,
                settings=self._settings,
            )
            self._start_process()
        deadline = time.monotonic() + START_SECONDS
        while not self.is_running():
            if time.monotonic() > deadline:
                raise self._failure(f"did not answer within {START_SECONDS} s", "")
            time.sleep(0.05)

    def _start_process(self) -> None:
        """Starts the postmaster, once the backends of a killed one are gone."""
        deadline = time.monotonic() + ORPHAN_SECONDS
        while True:
            try:
                self._control("start", f"--log={self._log}", f"--timeout={START_SECONDS}")
            except DatabaseUnreachable as error:
                if ORPHANS_LEFT not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def _control(self, action: str, *options: str) -> None:
        """Runs pg_ctl, which waits until the action is done."""
        command = [str(self._programs() / "pg_ctl"), action, f"--pgdata={self._data}", "--wait"]
        done = server_user(self._home).run([*command, *options], self._home)
        if done.returncode != 0:
            raise self._failure(f"does not {action}", done.stdout)

    def _failure(self, what: str, output: str) -> DatabaseUnreachable:
        shown = output.strip().splitlines()
        if self._log.exists():
            shown += self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        last = "\n".join(f"  {line}" for line in shown[-LOG_LINES_SHOWN:])
        return DatabaseUnreachable(
            f"The embedded Postgres in {self._home} {what}. Its last words:\n{last}\n"
            f"Remove what it complains of, or set DATABASE_URL to a server of your own."
        )
