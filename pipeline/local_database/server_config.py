"""The configuration of the embedded server, written before every start.

Nothing listens on the network, and the folder of the socket is closed to other
users: that makes it safe to trust whoever can connect.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

SETTINGS_FILE = "tens_insight.conf"
LOCAL = {
    "listen_addresses": "",
    "port": "5432",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "jit": "off",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
TRUST_THE_SOCKET = "local all all trust"


def write_configuration(
    data: Path,
    socket: Path,
    *,
    durable: bool,
    hba: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
) -> None:
    """Writes the settings and the rules of access of a stopped cluster.

    Args:
        data: The cluster's data folder.
        socket: The folder of its unix socket.
        durable: Whether a committed row must survive a power cut.
        hba: Lines of pg_hba.conf that come before the rule that trusts the socket.
        settings: Further settings; they win over ours.
    """
    chosen = LOCAL | {"unix_socket_directories": str(socket)}
    chosen |= ({} if durable else NOT_DURABLE) | dict(settings or {})
    lines = [f"{name} = {quoted(value)}" for name, value in chosen.items()]
    replace_text(data / SETTINGS_FILE, lines)
    replace_text(data / "pg_hba.conf", [*hba, TRUST_THE_SOCKET])


def include_settings(data: Path) -> None:
    """Makes a new cluster read our settings file after its own."""
    with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(f"\ninclude = '{SETTINGS_FILE}'\n")


def quoted(value: str) -> str:
    """Returns a value as postgresql.conf wants it."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def replace_text(path: Path, lines: Sequence[str]) -> None:
    """Replaces a file whole, so that a killed writer leaves the old one; keeps the owner."""
    owner = path.parent.stat()
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    if os.geteuid() == 0:
        os.chown(unfinished, owner.st_uid, owner.st_gid)
    unfinished.chmod(0o600)
    unfinished.replace(path)
