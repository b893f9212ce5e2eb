"""Where the embedded server keeps its files, and who it runs as.

It runs as the caller, or as `nobody` where the caller is root: Postgres refuses to run as
root. No user is added and no folder is opened for it. Every later command finds its files.

The place is `postgres` inside the state directory. Where the server's user cannot
reach that (root's own home is closed to `nobody`), it is a folder in /var/tmp, and
a note in the state directory names it.
"""

import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from components.errors import DatabaseUnreachable
from components.state_files import make_private, replace_text
from pipeline.local_database.data_folder import recorded_process

SHELTERS = Path("/var/tmp")  # noqa: S108 - names in it are made private and checked for their owner
SOCKET_NAME = ".s.PGSQL.5432"
UNPRIVILEGED = "nobody"
LONGEST_SOCKET_PATH = 107
"""Bytes that the kernel takes for the path of a unix socket."""
_NAME_LENGTH = 8
"""Characters of the name of a server's own folder for its socket."""


@dataclass(frozen=True)
class ServerUser:
    """A user that Postgres programs run as.

    Attributes:
        uid: The user to switch to, or None for the caller itself.
        gid: Its primary group, or None for the caller's.
    """

    uid: int | None = None
    gid: int | None = None

    def run(self, command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
        """Runs a program to its end, as this user.

        Args:
            command: Program and arguments.
            folder: Where it runs.

        Returns:
            Exit code, and what it printed on both streams as `stdout`.

        Raises:
            DatabaseUnreachable: The program cannot be started.
        """
        try:
            return subprocess.run(
                command,
                cwd=folder,
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.uid is None else [],
            )
        except OSError as error:
            raise DatabaseUnreachable(
                f"The embedded Postgres cannot run {command[0]} in {folder}: {error}. "
                "Check that this file can be executed there, or set DATABASE_URL to a server "
                "of your own."
            ) from error

    def can_run(self, program: Path) -> bool:
        """Returns whether this user can start the program and load its libraries."""
        try:
            return self.run([str(program), "--version"], Path("/")).returncode == 0
        except DatabaseUnreachable:
            return False

    def can_enter(self, folder: Path) -> bool:
        """Returns whether this user can pass every folder on the way into `folder`."""
        return self.run(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)], Path("/")).returncode == 0

    def make_private(self, folder: Path) -> Path:
        """Makes a folder that only this user may enter, or checks the one that is there.

        Args:
            folder: The folder; its parent exists.

        Returns:
            The same folder.

        Raises:
            DatabaseUnreachable: Something of another user is already in this place.
        """
        if not os.path.lexists(folder):
            folder.mkdir(mode=0o700)
            if self.uid is not None and self.gid is not None:
                os.chown(folder, self.uid, self.gid)
        expect_owner(folder, os.geteuid() if self.uid is None else self.uid)
        return folder


def server_user(home: Path) -> ServerUser:
    """Returns who runs the server whose files lie (or will lie) in `home`.

    Raises:
        DatabaseUnreachable: The caller is root and there is no user `nobody`.
    """
    if os.geteuid() != 0:
        return ServerUser()
    if home.is_dir() and (owner := home.stat()).st_uid != 0:
        return ServerUser(owner.st_uid, owner.st_gid)
    try:
        nobody = pwd.getpwnam(UNPRIVILEGED)
    except KeyError as error:
        raise DatabaseUnreachable(
            f"Postgres refuses to run as root, and there is no user '{UNPRIVILEGED}' to run the "
            "embedded server as. Run this command as a normal user, or set DATABASE_URL."
        ) from error
    return ServerUser(nobody.pw_uid, nobody.pw_gid)


def expect_owner(folder: Path, uid: int) -> None:
    """Checks that a folder is real and belongs to one user.

    Raises:
        DatabaseUnreachable: It is a link or a file, or belongs to somebody else.
    """
    found = folder.lstat()
    if folder.is_symlink() or not folder.is_dir() or found.st_uid != uid:
        raise DatabaseUnreachable(
            f"{folder} should be a folder of user {uid} for the embedded Postgres, but belongs to "
            f"user {found.st_uid} or is no folder. Run the command as the user that made it, or "
            "choose another state directory."
        )


def clean_environment() -> dict[str, str]:
    """Returns this process's environment without what would redirect Postgres programs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def find_home(state_dir: Path) -> Path:
    """Returns the folder of the server's files, without making it.

    A note that is empty or torn counts as missing, and the folder that it would have named is
    looked for.
    """
    if (noted := _noted_home(state_dir)) is not None:
        return noted
    sheltered = shelter_of(state_dir) / "postgres"
    return sheltered if note_of(state_dir).exists() else state_dir / "postgres"


def _noted_home(state_dir: Path) -> Path | None:
    """Returns the folder that the note names; None where there is no whole note."""
    try:
        text = note_of(state_dir).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    whole = text.startswith("/") and text.endswith("/postgres\n")
    return Path(text.strip()) if whole else None


def make_home(state_dir: Path) -> Path:
    """Makes the folder of the server's files, private to the user that runs it.

    Args:
        state_dir: Made if missing; one that is there is never opened to anybody.

    Returns:
        `state_dir/postgres`, or a folder in /var/tmp where that cannot be reached.

    Raises:
        DatabaseUnreachable: A folder on the way belongs to another user.
    """
    make_state_dir(state_dir)
    home = find_home(state_dir)
    user = server_user(home)
    if _noted_home(state_dir) is None and (
        note_of(state_dir).exists() or not user.can_enter(state_dir)
    ):
        home = shelter_of(state_dir) / "postgres"
        replace_text(note_of(state_dir), f"{home}\n")
    if note_of(state_dir).exists():
        make_shelter(home.parent)
    return user.make_private(home)


def make_state_dir(state_dir: Path) -> None:
    """Makes the state directory, if it is missing, closed to other users.

    For root, it is one that others may pass but not list: the server's user must pass it.
    """
    if not state_dir.is_dir():
        make_private(state_dir)
        if os.geteuid() == 0:
            state_dir.chmod(0o711)


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
    """Returns where clients find the socket: in the home unless that path is too long."""
    longest = home / "socket" / ("x" * _NAME_LENGTH) / SOCKET_NAME
    if len(os.fsencode(longest)) <= LONGEST_SOCKET_PATH:
        return home / "socket"
    return SHELTERS / f"{shelter_of(home).name}-socket"


def make_own_socket_folder(folder: Path, user: ServerUser) -> Path:
    """Makes a folder in which one server, from one start to its end, has its socket alone.

    A server removes its socket when it ends, by its path. One whose data were deleted ends up to a
    minute later, and would take along that of the server that has its place. So each has a folder
    of its own, and what clients know is a link.

    Args:
        folder: As socket_folder names it; it is there.
        user: Who runs the server.

    Returns:
        The folder for the server; the link leads into it.
    """
    for former in folder.iterdir():
        if former.is_dir() and recorded_process(former / f"{SOCKET_NAME}.lock") is None:
            shutil.rmtree(former, ignore_errors=True)
    own = user.make_private(folder / secrets.token_hex(_NAME_LENGTH // 2))
    link = folder / f"{own.name}.link"
    link.symlink_to(Path(own.name, SOCKET_NAME))
    link.replace(folder / SOCKET_NAME)
    return own


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
