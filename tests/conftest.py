"""Databases for tests: one server a session, one empty database a test."""

import contextlib
import fcntl
import gc
import os
import pickle
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import psycopg2
import pytest
from psycopg2 import sql

# TensorFlow reads it when first imported, which some test module does at collection.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Tests run beside each other on all cores: further threads of BLAS would wait there in a loop.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# The tests make their own stores of ML Metadata.
os.environ.pop("METADATA_DATABASE_URL", None)

# bench/ is not part of the installed package.
sys.path.insert(0, str(Path(__file__).parents[1]))

from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from serving_model.served.tensorflow_variables import set_tensorflow_variables
from tests.forked_command import keep_level_of_dill, stop_server
from tests.property_tests import ALL_CASES
from tests.server_folder import make_server_folder

hypothesis.settings.load_profile(ALL_CASES)

# As commands do: scores must not depend on who asks the model.
set_tensorflow_variables()

keep_level_of_dill()

PASSWORD_GROUP = "password_required"
"""The embedded server trusts its socket, except for members of this role."""


LONGEST_FIRST = (
    "wiring",
    "tests/end_to_end/test_realistic_input.py",
    "judged",
    "pages",
    "tests/end_to_end/test_refusals.py",
    "tests/faults/test_bad_input.py",
)
"""Groups of tests that take minutes, so that no process is left with one of them at the end."""

WHOLE_RUN_ONLY = (
    "tests/bench",
    "tests/contract",
    "tests/deploy",
    "tests/end_to_end",
    "tests/extending",
    "tests/faults",
    "tests/pipeline/local_database",
)
"""Folders of slow tests: they measure, kill, install, or start servers and roles of their own."""
ROOT = Path(__file__).parents[1]

TRAINED = {"tests/serving_model/": "world", "tests/components/": "judged"}
"""Session fixtures that train models, by the folder that they are made for."""


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist and -m read the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets a file's tests run in one process, and what takes longest begin first.

    Session fixtures are made in each process: files that share one which takes minutes are
    marked with a common xdist_group. What needs a trained model or a browser is slow.
    """
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(name=item.nodeid.split("::")[0]))
        fixtures = getattr(item, "fixturenames", ())
        if (
            "browser" in fixtures
            or _is_of_whole_run(item.path)
            or any(
                item.nodeid.startswith(folder) and name in fixtures
                for folder, name in TRAINED.items()
            )
        ):
            item.add_marker(pytest.mark.slow)
    slow = {_group(item) for item in items if item.get_closest_marker("slow")}
    ranks = {name: rank for rank, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: (ranks.get(_group(item), len(ranks)), _group(item) not in slow))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Does not import what would be left out in any case."""
    return (config.option.markexpr == "not slow" and _is_of_whole_run(collection_path)) or None


def _is_of_whole_run(path: Path) -> bool:
    return any(path.is_relative_to(ROOT / folder) for folder in WHOLE_RUN_ONLY)


def pytest_configure() -> None:
    """Collects without the garbage collector.

    What is imported meanwhile stays: looking through it for garbage took a quarter of the time.
    """
    gc.disable()


def pytest_collection_finish() -> None:
    """Lets the garbage collector pass over what was imported, here and in forks."""
    gc.freeze()
    gc.enable()


def pytest_sessionfinish() -> None:
    """Ends the process that commands were forked from."""
    stop_server()


def _group(item: pytest.Item) -> str:
    marker = item.get_closest_marker("xdist_group")
    assert marker is not None
    return str(marker.kwargs["name"])


class Server:
    """The Postgres server of the test session, with a role that may create databases.

    Args:
        url: Of any of its databases.
        copy_files: Whether to copy a template file by file: where nothing waits for the disk, a
            third of the time of the default, which writes each page to the log.
    """

    def __init__(self, url: str, copy_files: bool = False):
        self._url = urlsplit(url)
        self._strategy = sql.SQL("STRATEGY file_copy" if copy_files else "")

    def url(self, dbname: str = "postgres") -> str:
        rest = (self._url.scheme, self._url.netloc, f"/{dbname}", self._url.query, "")
        address = urlunsplit(rest)
        # urlunsplit drops the empty host of a socket's URL.
        return address if "://" in address else address.replace(":/", ":///", 1)

    def create_database(self, template: str | None = None) -> str:
        """Makes a database of a fresh name, a copy of the template if one is given."""
        name = f"test_{uuid.uuid4().hex[:16]}"
        names = sql.Identifier(name), sql.Identifier(template or "template0")
        self.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} {}").format(*names, self._strategy))
        return name

    def drop_database(self, name: str) -> None:
        """Drops a database; whatever is still connected to it is cut off."""
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        with self._connected("postgres") as cursor:
            # Of a connection that was closed just now the server knows some milliseconds later,
            # and where DROP finds one it sleeps for a tenth of a second.
            deadline = time.monotonic() + 0.05
            while time.monotonic() < deadline:
                cursor.execute("SELECT 1 FROM pg_stat_activity WHERE datname = %s", (name,))
                if cursor.fetchone() is None:
                    break
                time.sleep(0.002)
            cursor.execute(drop)

    def cut_off(self, name: str) -> None:
        """Ends what is connected to a database, so that it can be copied."""
        end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = {}"
        self.execute(sql.SQL(end).format(sql.Literal(name)))

    def make_password_group(self) -> None:
        """Makes the role whose members need a password, unless an earlier session did."""
        with contextlib.suppress(psycopg2.errors.DuplicateObject):
            self.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(PASSWORD_GROUP)))

    def execute(self, statement: sql.Composable, dbname: str = "postgres") -> None:
        """Runs one statement outside any transaction."""
        with self._connected(dbname) as cursor:
            cursor.execute(statement)

    @contextlib.contextmanager
    def _connected(self, dbname: str) -> Iterator[Any]:
        connection = psycopg2.connect(self.url(dbname))
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            yield cursor


@pytest.fixture(scope="session", autouse=True)
def no_state_in_the_checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps commands of tests that name no state directory out of the one of `make run`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path_factory.mktemp("no-state")))
        yield


@pytest.fixture(scope="session")
def make_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Makes what takes long in one process of the session, for all of them.

    The function that it returns takes a name and what makes the thing in a folder that stays;
    the thing must be one that pickle can write.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def once(name: str, make: Callable[[Path], Any]) -> Any:
        made = shared / f"{name}.pickle"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                folder = shared / name
                folder.mkdir()
                made.write_bytes(pickle.dumps(make(folder)))
            return pickle.loads(made.read_bytes())

    return once


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A server for the whole session: the one TEST_DATABASE_URL names, else an embedded one."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        maintenance = urlsplit(given).path.lstrip("/") or "postgres"
        server = Server(given)
        psycopg2.connect(server.url(maintenance)).close()
        server.make_password_group()
        yield server
        return
    folder = make_server_folder("tests")
    embedded = EmbeddedPostgres(
        folder,
        durable=False,
        hba=(f"local all +{PASSWORD_GROUP} scram-sha-256",),
        settings={"max_wal_size": "128MB"},  # it may lie in memory
    )
    try:
        embedded.start()
        server = Server(embedded.url("postgres"), copy_files=True)
        server.make_password_group()
        yield server
    finally:
        embedded.stop()
        shutil.rmtree(folder)


@pytest.fixture
def database(
    request: pytest.FixtureRequest, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """URL of a fresh database, which DATABASE_URL names for the length of the test.

    It is empty, unless the test asks for `migrated_database`, which is the same one.
    """
    migrated = "migrated_database" in request.fixturenames
    template = request.getfixturevalue("migrated_template") if migrated else None
    with _fresh_database(postgres_server, monkeypatch, template) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_template(postgres_server: Server) -> Iterator[str]:
    """Name of a database with all our tables; copy it, never change it."""
    name = postgres_server.create_database()
    try:
        _migrate(postgres_server.url(name))
        yield name
    finally:
        postgres_server.drop_database(name)


@pytest.fixture
def migrated_database(database: str) -> str:
    """URL of a fresh database with all our tables, and no rows."""
    return database


@pytest.fixture
def password_url(postgres_server: Server, database: str) -> Iterator[str]:
    """URL of `database` for a fresh role without rights in its tables, which needs a password."""
    role = sql.Identifier(name := f"role_{uuid.uuid4().hex[:12]}")
    password = f"secret-{uuid.uuid4().hex}"
    dbname = urlsplit(database).path.lstrip("/")
    create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password))
    postgres_server.execute(create)
    try:
        group = sql.Identifier(PASSWORD_GROUP)
        postgres_server.execute(sql.SQL("GRANT {} TO {}").format(group, role))
        yield with_login(database, name, password)
    finally:
        postgres_server.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role), dbname)
        postgres_server.execute(sql.SQL("DROP ROLE {}").format(role))


def with_login(url: str, user: str, password: str) -> str:
    """Returns a URL of the same database for another role."""
    parts = urlsplit(url)
    query = "&".join(part for part in parts.query.split("&") if not part.startswith("user="))
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{user}:{password}@{host}{parts.path}?{query}"


@pytest.fixture(scope="session")
def simulated_template(postgres_server: Server) -> Iterator[str]:
    """Name of a database that holds a small strong world; copy it, never change it."""
    name = postgres_server.create_database()
    try:
        _migrate(postgres_server.url(name))
        _simulate(postgres_server.url(name))
        yield name
    finally:
        postgres_server.drop_database(name)


@pytest.fixture
def simulated_database(
    postgres_server: Server, simulated_template: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """URL of a fresh database with 400 accounts and 420 days of the strong world."""
    with _fresh_database(postgres_server, monkeypatch, simulated_template) as url:
        yield url


@pytest.fixture(scope="session")
def store_template(postgres_server: Server) -> Iterator[str]:
    """Name of a database with the tables of ML Metadata; copy it, never change it.

    ML Metadata makes them one statement at a time, which takes as long as twenty copies.
    """
    name = postgres_server.create_database()
    try:
        _make_store(postgres_server.url(name))
        postgres_server.cut_off(name)
        yield name
    finally:
        postgres_server.drop_database(name)


@pytest.fixture
def store_database(
    postgres_server: Server, store_template: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """URL of a store of ML Metadata without a record, which METADATA_DATABASE_URL names."""
    name = postgres_server.create_database(store_template)
    monkeypatch.setenv("METADATA_DATABASE_URL", postgres_server.url(name))
    try:
        yield postgres_server.url(name)
    finally:
        postgres_server.drop_database(name)


@contextlib.contextmanager
def _fresh_database(
    server: Server, monkeypatch: pytest.MonkeyPatch, template: str | None = None
) -> Iterator[str]:
    name = server.create_database(template)
    try:
        for variable in [name for name in os.environ if name.startswith("PG")]:
            monkeypatch.delenv(variable)
        monkeypatch.setenv("DATABASE_URL", server.url(name))
        yield server.url(name)
    finally:
        server.drop_database(name)


def _migrate(url: str) -> None:
    from components.postgres.migrate import migrate

    with contextlib.closing(psycopg2.connect(url)) as connection:
        migrate(connection)


def _make_store(url: str) -> None:
    from ml_metadata import MetadataStore

    from pipeline.registry.metadata_store import connection_config

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("METADATA_DATABASE_URL", url)
        MetadataStore(connection_config(Path("none")))


def _simulate(url: str) -> None:
    from datetime import datetime, timezone

    from pipeline.demo.simulate import simulate

    with contextlib.closing(psycopg2.connect(url)) as connection:
        simulate(
            connection,
            accounts=400,
            days=420,
            seed=7,
            scenario="strong",
            end=datetime(2026, 6, 1, tzinfo=timezone.utc),
        )
