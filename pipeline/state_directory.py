"""The state directory: whose it is, whether it can be used, and how it is spoken of."""

import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from components.state_files import make_private
from pipeline.settings import ConfigurationInvalid, Settings, variable

METADATA_FILES: Final = ("metadata.sqlite", "metadata.sqlite-journal")
PRIVATE_FOLDERS: Final = (
    "logs",
    "runs",
    "alerts",
    "pipeline_root",
    "serving",
    "reports",
    "compiled",
)
_OURS: Final = (
    *METADATA_FILES,
    *PRIVATE_FOLDERS,
    "run.lock",
    "auto.lock",
    "postgres.lock",
    "postgres-home.txt",
)
_NAMED: Final = 3
_CHOICE: Final = f"{variable('state_dir')} to a folder of your own"


def describe_state_dir(settings: Settings) -> str:
    """Says which state directory is used, and why that one."""
    if "state_dir" in settings.explicit:
        return f"{settings.state_dir}, as set"
    return f"{settings.state_dir}, the default; {variable('state_dir')} names another"


def open_state_dir(settings: Settings) -> None:
    """Makes the state directory ready for a run, closed to other users.

    A directory that is there keeps its mode, since somebody else may have made it for more than
    this; what we made in it is closed.

    Raises:
        ConfigurationInvalid: It cannot be made or written, or another user owns files in it.
    """
    folder = settings.state_dir
    try:
        if not folder.is_dir():
            make_private(folder)
        require_own_files(folder)
        for name in PRIVATE_FOLDERS:
            if (folder / name).is_dir():
                make_private(folder / name)
        for name in METADATA_FILES:
            if (path := folder / name).exists() and path.stat().st_uid == os.geteuid():
                path.chmod(0o600)
    except OSError as error:
        raise not_writable(folder, error) from None


def not_writable(folder: Path, error: OSError) -> ConfigurationInvalid:
    """Returns the error for a state directory where nothing can be written."""
    return ConfigurationInvalid(
        f"Setting state_dir is {folder}, where nothing can be written: "
        f"{error.strerror or error}. Set {_CHOICE}."
    )


def require_own_files(folder: Path) -> None:
    """Refuses a state directory with files that another user left, such as root run once.

    Root may write them all, but would leave files that their owner cannot use.

    Args:
        folder: The state directory; nothing is said of one that does not exist.

    Raises:
        ConfigurationInvalid: Names such files, their owner, and the way out.
    """
    foreign = [path for name in _OURS for path in _foreign(folder / name)]
    if not foreign:
        if folder.is_dir() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise not_writable(folder, PermissionError(13, "Permission denied"))
        return
    owner, user = _name(foreign[0].lstat().st_uid), _name(os.geteuid())
    tops = dict.fromkeys(path.relative_to(folder).parts[0] for path in foreign)
    named = ", ".join(map(str, foreign[:_NAMED]))
    more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
    raise ConfigurationInvalid(
        f"The state directory {folder} has files of another user: {named}{more} of {owner}, and "
        f"this command runs as {user}. One state directory belongs to one user. Run as {owner}, "
        f"or give the files to {user} as root: chown -R {user} "
        f"{' '.join(str(folder / top) for top in tops)}; or set {_CHOICE}."
    )


def require_readable_store(path: Path) -> bool:
    """Tells whether the sqlite file of ML Metadata is there.

    Raises:
        ConfigurationInvalid: It is, or may be, and this user cannot read it.
    """
    if path.parent.exists() and not path.parent.is_dir():
        raise ConfigurationInvalid(
            f"Setting state_dir is {path.parent}, which is a file. Set {_CHOICE}."
        )
    try:
        there = path.exists()
    except PermissionError:
        there = True
    if there and not os.access(path, os.R_OK):
        raise ConfigurationInvalid(
            f"{path} holds the runs and models, and {_name(os.geteuid())} may not read it. Run as "
            f"the user that owns it, or set {_CHOICE}."
        )
    return there


def _foreign(path: Path) -> Iterator[Path]:
    """Yields what is not this user's to use, folders alone below the first level."""
    if not os.path.lexists(path):
        return
    if not _usable(path):
        yield path
        return
    for folder, folders, _ in os.walk(path):
        unusable = [name for name in folders if not _usable(Path(folder, name))]
        yield from (Path(folder, name) for name in unusable)
        folders[:] = [name for name in folders if name not in unusable]


def _usable(path: Path) -> bool:
    if os.geteuid() == 0:
        return path.lstat().st_uid == 0
    needed = os.R_OK | os.W_OK | (os.X_OK if path.is_dir() else 0)
    return os.access(path, needed)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run under a number without a name
        return str(uid)
