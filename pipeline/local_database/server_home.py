"""Where the embedded server keeps its files, so that every later command finds them.

The place is `postgres` inside the state directory. Where the server's user cannot
reach that (root's own home is closed to `nobody`), it is a folder in /var/tmp, and
a note in the state directory names it.
"""

import hashlib
import os
from pathlib import Path

from components.errors import DatabaseUnreachable
from pipeline.local_database.server_user import expect_owner, server_user

SHELTERS = Path("/var/tmp")  # noqa: S108 - names in it are made private and checked for their owner
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 107
"""Bytes that the kernel takes for the path of a unix socket."""


def find_home(state_dir: Path) -> Path:
    """Returns the folder of the server's files, without making it."""
    try:
        return Path(note_of(state_dir).read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        return state_dir / "postgres"


def make_home(state_dir: Path) -> Path:
    """Makes the folder of the server's files, private to the user that runs it.

    Args:
        state_dir: Made if missing; never opened to anybody.

    Returns:
        `state_dir/postgres`, or a folder in /var/tmp where that cannot be reached.

    Raises:
        DatabaseUnreachable: A folder on the way belongs to another user.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    home = find_home(state_dir)
    user = server_user(home)
    if not note_of(state_dir).exists() and not user.can_enter(state_dir):
        home = shelter_of(state_dir) / "postgres"
        note_of(state_dir).write_text(f"{home}\n", encoding="utf-8")
    if note_of(state_dir).exists():
        make_shelter(home.parent)
    return user.make_private(home)


def make_shelter(shelter: Path) -> Path:
    """Makes a folder of the caller in /var/tmp that others may pass but not list or change.

    Args:
        shelter: As shelter_of names it.

    Returns:
        The same folder.

    Raises:
        DatabaseUnreachable: Somebody else has put something in its place.
    """
    if not os.path.lexists(shelter):
        shelter.mkdir()
    expect_owner(shelter, os.geteuid())
    shelter.chmod(0o711)
    return shelter


def socket_folder(home: Path) -> Path:
    """Returns where the server's socket lies: in its home unless that path is too long."""
    if len(os.fsencode(home / "socket" / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
        return home / "socket"
    return SHELTERS / f"{shelter_of(home).name}-socket"


def shelter_of(path: Path) -> Path:
    """Returns the name in /var/tmp that belongs to a folder and the caller."""
    digest = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]
    return SHELTERS / f"tens-insight-{os.geteuid()}-{digest}"


def note_of(state_dir: Path) -> Path:
    """Returns the file that names a home outside the state directory."""
    return state_dir / "postgres-home.txt"


def expect_readable(home: Path) -> None:
    """Checks that the caller may look into an existing home.

    Raises:
        DatabaseUnreachable: It belongs to another user.
    """
    if home.is_dir() and not os.access(home, os.R_OK | os.X_OK):
        raise DatabaseUnreachable(
            f"{home} holds an embedded Postgres of another user (uid {home.stat().st_uid}). "
            "Run the command as the user that made it, or choose another state directory."
        )
