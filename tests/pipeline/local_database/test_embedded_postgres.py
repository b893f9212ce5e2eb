"""The embedded server: found again, stopped, restarted after a crash, behind closed folders."""

import os
import pwd
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg2
import pytest

from components.errors import DatabaseUnreachable
from pipeline.local_database.data_folder import running_process
from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from pipeline.local_database.server_home import (
    SHELTERS,
    find_home,
    note_of,
    shelter_of,
    socket_folder,
)
from tests.server_folder import make_server_folder

MakeServer = Callable[..., EmbeddedPostgres]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users may pass, unlike pytest's own."""
    path = make_server_folder("test")
    yield path
    shutil.rmtree(path)


@pytest.fixture
def server(folder: Path) -> Iterator[MakeServer]:
    """Makes servers; stops them and removes what they put outside of their folder."""
    made: list[EmbeddedPostgres] = []

    def make(state_dir: Path | None = None, **options: object) -> EmbeddedPostgres:
        made.append(
            EmbeddedPostgres(state_dir or folder / "state", **{"durable": False, **options})
        )
        return made[-1]

    yield make
    for one in made:
        one.stop()
        home = find_home(one.state_dir)
        for outside in (shelter_of(one.state_dir), home.parent, socket_folder(home)):
            if outside.parent == SHELTERS:
                shutil.rmtree(outside, ignore_errors=True)


def ask(url: str, query: str) -> object:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def test_a_later_command_finds_the_server_and_its_rows(server: MakeServer, folder: Path) -> None:
    first = server()
    assert not first.exists()
    assert not first.is_running()
    url = first.start()
    ask(url, "CREATE TABLE kept AS SELECT 7 AS number")
    later = server()
    assert later.is_running()
    assert later.start() == url
    process = running_process(folder / "state" / "postgres" / "data")
    later.stop()
    assert process is not None
    assert not first.is_running()
    assert first.exists()
    assert ask(first.start(), "SELECT number FROM kept") == 7


def test_only_the_socket_listens_and_only_its_user_may_reach_it(server: MakeServer) -> None:
    url = server(durable=True).start()
    assert ask(url, "SHOW listen_addresses") == ""
    assert ask(url, "SHOW fsync") == "on"
    socket = Path(parse_qs(urlsplit(url).query)["host"][0])
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700


def test_pasted_psql_command_works(server: MakeServer) -> None:
    one = server()
    one.start()
    command = [*shlex.split(one.psql_command()), "-tAc", "SELECT current_database()"]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "tens_insight\n"


def test_create_database_is_idempotent_and_takes_odd_names(server: MakeServer) -> None:
    one = server()
    one.start()
    for _ in range(2):
        one.create_database('odd "name" /?')
    assert ask(one.url('odd "name" /?'), "SELECT current_database()") == 'odd "name" /?'


def test_server_outlives_the_command_that_started_it(server: MakeServer, folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; "
        "from pipeline.local_database.embedded_postgres import EmbeddedPostgres; "
        "EmbeddedPostgres(Path(sys.argv[1])).start()"
    )
    commands = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder / "state")], start_new_session=True
        )
        for _ in range(2)
    ]
    assert [command.wait() for command in commands] == [0, 0]
    for command in commands:
        with pytest.raises(ProcessLookupError):
            os.killpg(command.pid, signal.SIGKILL)
    assert server().is_running()


def test_killed_server_starts_again_with_what_was_committed(
    server: MakeServer, folder: Path
) -> None:
    url = server(durable=True).start()
    ask(url, "CREATE TABLE kept AS SELECT 7 AS number")
    process = running_process(folder / "state" / "postgres" / "data")
    assert process is not None
    open_session = psycopg2.connect(url)
    os.kill(process, signal.SIGKILL)
    assert ask(server().start(), "SELECT number FROM kept") == 7
    open_session.close()


def test_number_of_a_dead_server_may_belong_to_another_process(
    server: MakeServer, folder: Path
) -> None:
    one = server()
    one.start()
    home = folder / "state" / "postgres"
    lock = home / "data" / "postmaster.pid"
    record = lock.read_text().partition("\n")[2]
    one.stop()
    owner = home.stat()
    with subprocess.Popen(["sleep", "60"], user=owner.st_uid) as stranger:
        lock.write_text(f"{stranger.pid}\n{record}")
        os.chown(lock, owner.st_uid, owner.st_gid)
        try:
            assert not one.is_running()
            assert ask(one.start(), "SELECT 1") == 1
        finally:
            stranger.kill()


@pytest.mark.parametrize("torn", ["", "12"])
def test_a_lock_file_that_is_empty_or_torn_counts_as_missing(
    server: MakeServer, folder: Path, torn: str
) -> None:
    one = server()
    one.start()
    one.stop()
    home = folder / "state" / "postgres"
    lock = home / "data" / "postmaster.pid"
    lock.write_text(torn)
    os.chown(lock, home.stat().st_uid, home.stat().st_gid)
    assert ask(one.start(), "SELECT 1") == 1


def _end(process: int) -> None:
    """Ends a server as it ends by itself once it finds that its data were deleted."""
    os.kill(process, signal.SIGQUIT)
    os.kill(process, signal.SIGCONT)
    for _ in range(200):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError("it did not end")


@pytest.mark.parametrize("deleted", ["", "postgres", "postgres/data"])
def test_a_server_whose_folder_was_deleted_takes_no_socket_of_a_new_one_along(
    server: MakeServer, folder: Path, deleted: str
) -> None:
    one, data = server(), folder / "state" / "postgres" / "data"
    ask(one.start(), "CREATE TABLE of_the_old_one ()")
    old = running_process(data)
    assert old is not None
    os.kill(old, signal.SIGSTOP)  # or it may end before the new one starts
    shutil.rmtree(folder / "state" / deleted)
    assert not one.is_running()
    url = one.start()
    assert ask(url, "SELECT to_regclass('of_the_old_one')") is None
    new = running_process(data)
    _end(old)
    assert ask(url, "SELECT 1") == 1
    assert running_process(data) == new
    one.stop()
    assert ask(one.start(), "SELECT 1") == 1
    folders = [one for one in (data.parent / "socket").iterdir() if one.is_dir()]
    assert len(folders) == 1  # what dead servers left is gone


def test_state_under_a_closed_folder_is_used_without_opening_it(
    server: MakeServer, folder: Path
) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    one = server(closed / "state")
    ask(one.start(), "CREATE TABLE kept AS SELECT 7 AS number")
    one.stop()
    note = note_of(closed / "state")
    if note.exists():  # root's server lies elsewhere; a torn note is as good as none
        note.write_text(note.read_text()[:7])
        assert one.exists()
    assert ask(server(closed / "state").start(), "SELECT number FROM kept") == 7
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert closed.stat().st_uid == os.geteuid()


def test_a_state_directory_may_be_moved_once_the_server_is_stopped(
    server: MakeServer, folder: Path
) -> None:
    here, there = folder / "state", folder / "moved"
    one, moved = server(here), EmbeddedPostgres(there, durable=False)
    ask(one.start(), "CREATE TABLE kept AS SELECT 7 AS number")
    here.rename(there)
    with pytest.raises(DatabaseUnreachable, match="demo stop"):
        moved.start()
    there.rename(here)
    assert ask(one.start(), "SELECT number FROM kept") == 7
    one.stop()
    here.rename(there)
    try:
        assert ask(moved.start(), "SELECT number FROM kept") == 7
    finally:
        moved.stop()


def test_long_path_leaves_room_for_the_socket(server: MakeServer, folder: Path) -> None:
    one = server(folder / ("long" * 30) / "state")
    assert ask(one.start(), "SELECT 1") == 1


def test_interrupted_initialisation_is_done_again(server: MakeServer, folder: Path) -> None:
    one = server()
    one.start()
    one.stop()
    home = folder / "state" / "postgres"
    (home / "data").rename(home / "data.unfinished")
    (home / "data.unfinished" / "PG_VERSION").unlink()
    assert not one.exists()
    assert ask(one.start(), "SELECT 1") == 1


def test_server_that_does_not_start_shows_its_log(server: MakeServer) -> None:
    with pytest.raises(DatabaseUnreachable, match='unrecognized configuration parameter "no_such"'):
        server(settings={"no_such": "it's"}).start()


def test_settings_reach_the_server(server: MakeServer) -> None:
    url = server(durable=False, settings={"application_name": "it's \\ odd"}).start()
    assert ask(url, "SHOW fsync") == "off"
    assert ask(url, "SHOW application_name") == "it's \\ odd"


def test_cluster_of_another_version_is_refused(server: MakeServer, folder: Path) -> None:
    one = server()
    one.start()
    one.stop()
    version = folder / "state" / "postgres" / "data" / "PG_VERSION"
    found = version.read_text()
    version.write_text("9.6\n")
    with pytest.raises(DatabaseUnreachable, match=r"made by PostgreSQL 9\.6"):
        one.start()
    version.write_text(found)


def test_stop_without_a_server_does_nothing(server: MakeServer, folder: Path) -> None:
    server().stop()
    assert not (folder / "state").exists()


@as_root
def test_root_gives_the_server_to_nobody(server: MakeServer, folder: Path) -> None:
    server().start()
    process = running_process(folder / "state" / "postgres" / "data")
    assert Path(f"/proc/{process}").stat().st_uid == pwd.getpwnam("nobody").pw_uid


@as_root
def test_root_does_not_follow_what_others_put_in_its_place(
    server: MakeServer, folder: Path
) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    shelter_of(closed / "state").symlink_to(folder)
    try:
        with pytest.raises(DatabaseUnreachable, match="or is no folder"):
            server(closed / "state").start()
    finally:
        shelter_of(closed / "state").unlink()
