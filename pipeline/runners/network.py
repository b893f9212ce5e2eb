"""Hosts on this machine: network namespaces behind one bridge, as a cluster has hosts.

What runs in one has a loopback interface of its own, and reaches the others over addresses of the
bridge alone. Making them takes root and the program `ip`; files and processes are those of this
machine.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.runners.errors import ClusterUnusable

_KEPT: Final = "hosts"
_FIRST: Final = 10
"""Last part of the address of the first host; that of the bridge is 1."""


@dataclass(frozen=True)
class Network:
    """Hosts of a cluster.

    Attributes:
        name: Of the bridge; it begins the names of the namespaces, too.
        prefix: Of the addresses, as in 198.18.7: of a range that is for tests of networks
            (RFC 2544).
        hosts: How many there are, besides this machine itself.
    """

    name: str
    prefix: str
    hosts: int

    @property
    def here(self) -> str:
        """The address of this machine on the bridge."""
        return f"{self.prefix}.1"

    def address(self, number: int) -> str:
        """Returns the address of a host."""
        return f"{self.prefix}.{_FIRST + number}"

    def host_name(self, number: int) -> str:
        """Returns the name of a host's namespace."""
        return f"{self.name}-{number}"

    def inside(self, number: int, command: Sequence[str], *, named: bool = False) -> list[str]:
        """Returns the command that runs another one on a host, as the same process.

        Args:
            number: Of the host.
            command: To run there.
            named: Whether the host's name is what `hostname` says there. Java wants to look that
                name up, which nothing answers.
        """
        host = self.host_name(number)
        own = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', host] if named else []
        return ["ip", "netns", "exec", host, *own, *command]


def make_network(folder: Path, hosts: int) -> Network:
    """Makes hosts on this machine.

    Args:
        folder: Of the cluster; it exists. Its path makes names and addresses, and it keeps what
            was made.
        hosts: How many.

    Raises:
        ClusterUnusable: They cannot be made; nothing is left of them.
    """
    if os.geteuid() or not shutil.which("ip") or not shutil.which("unshare"):
        raise ClusterUnusable(
            "Hosts in network namespaces take root, and the programs ip and unshare (on Debian the "
            "packages iproute2 and util-linux). Start the cluster as root, or without --hosts."
        )
    digest = hashlib.sha256(str(folder.absolute()).encode()).digest()
    network = Network(f"ti{digest.hex()[:8]}", f"198.18.{digest[0]}", hosts)
    (folder / _KEPT).write_text(f"{network.name} {network.prefix} {hosts}", encoding="utf-8")
    try:
        _ip("link", "add", network.name, "type", "bridge")
        _ip("address", "add", f"{network.here}/24", "dev", network.name)
        _ip("link", "set", network.name, "up")
        for number in range(hosts):
            _add_host(network, number)
    except ClusterUnusable:
        remove_network(folder)
        raise
    return network


def remove_network(folder: Path) -> None:
    """Removes the hosts of a cluster, where it has any; their processes have ended."""
    kept = folder / _KEPT
    if not kept.exists():
        return
    name, prefix, hosts = kept.read_text(encoding="utf-8").split()
    network = Network(name, prefix, int(hosts))
    for command in (
        *(("link", "delete", f"{name}{number}") for number in range(network.hosts)),
        *(("netns", "delete", network.host_name(number)) for number in range(network.hosts)),
        ("link", "delete", name),
    ):
        # Some were never made.
        subprocess.run([_program(), *command], capture_output=True, check=False)
    kept.unlink()


def _add_host(network: Network, number: int) -> None:
    host, cable = network.host_name(number), f"{network.name}{number}"
    _ip("netns", "add", host)
    _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", host)
    _ip("link", "set", cable, "master", network.name, "up")
    _ip("-netns", host, "address", "add", f"{network.address(number)}/24", "dev", "eth0")
    _ip("-netns", host, "link", "set", "eth0", "up")
    _ip("-netns", host, "link", "set", "lo", "up")


def _program() -> str:
    return shutil.which("ip") or "ip"


def _ip(*arguments: str) -> None:
    done = subprocess.run([_program(), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterUnusable(
            f"`ip {' '.join(arguments)}` failed: {done.stderr.strip()}. This machine gives no "
            "network namespaces, or has them already: start the cluster without --hosts."
        )
