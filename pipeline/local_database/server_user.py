"""Who the embedded server runs as: the caller, or `nobody` where the caller is root.

Postgres refuses to run as root. Root therefore starts its programs as another
user; no user is added and no folder is opened for it.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from components.errors import DatabaseUnreachable

UNPRIVILEGED = "nobody"


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
