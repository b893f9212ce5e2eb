"""Runs programs: in a root by chroot, and on the machine itself."""

import shlex
import subprocess
from pathlib import Path
from typing import Final

LOGIN_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MOUNT_AND_ENTER: Final = """
root=$1 cache=$2 read_only=$3
shift 3
mount --bind "$root" "$root"
mount -t tmpfs tmpfs "$root/tmp"
mount --rbind /dev "$root/dev"
if [ -n "$cache" ]; then
    mkdir -p "$cache" "$root/root/.cache"
    mount --bind "$cache" "$root/root/.cache"
fi
if [ "$read_only" = True ]; then
    mount -o remount,nosuid,nodev,noexec "$root/tmp"
    mount --bind "$root/state" "$root/state"
    mount -o remount,bind,ro "$root"
fi
mount -t proc proc "$root/proc"
exec chroot "$@"
"""


def enter(
    root: Path,
    command: list[str],
    environment: dict[str, str],
    user: str,
    *,
    cache: Path | None = None,
    read_only: bool = False,
) -> int:
    """Runs a command in a root, as process 1, and returns its exit code.

    In namespaces of its own nothing stays mounted or running, however it ends.

    Args:
        root: Becomes /.
        command: Program and arguments.
        environment: All that it gets to see.
        user: As "uid:gid".
        cache: Folder outside that stands for /root/.cache.
        read_only: Everything but /state and /tmp, which then runs no programs, as an engine has it.
    """
    inside = ["env", "-i", *(f"{name}={value}" for name, value in environment.items()), *command]
    outside = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    options = [str(root), str(cache or ""), str(read_only), f"--userspec={user}", str(root)]
    whole = [*outside, "sh", "-euc", _MOUNT_AND_ENTER, "sh", *options, *inside]
    return subprocess.run(whole, check=False).returncode


def in_folder(folder: str, command: list[str]) -> list[str]:
    """Returns a command that runs another one in a folder of the root."""
    return ["sh", "-c", f'cd {shlex.quote(folder)} && exec "$@"', "sh", *command]


def call(*command: str) -> str:
    """Runs a program of this machine and returns what it printed.

    Raises:
        SystemExit: It failed; with the end of what it said.
    """
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout
