"""Hosts on this machine reach each other over their addresses, and nothing by loopback."""

import os
import shutil
import subprocess
import sys

import pytest

from pipeline.runners import network
from pipeline.runners.errors import ClusterUnusable
from pipeline.runners.network import make_network, remove_network

SERVE = """
import socket
server = socket.create_server(("0.0.0.0", 5000))
print(socket.gethostname(), flush=True)
while True:
    server.accept()[0].close()
"""
REACH = "import socket, sys; socket.create_connection((sys.argv[1], 5000), timeout=5)"


@pytest.fixture
def hosts(tmp_path):
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("network namespaces take root and the program ip")
    try:
        made = make_network(tmp_path, 2)
    except ClusterUnusable as error:
        pytest.skip(f"this machine gives none: {error}")
    try:
        yield made
    finally:
        remove_network(tmp_path)


def reached(python, address):
    """Says whether an interpreter gets through to an address."""
    done = subprocess.run([*python, "-c", REACH, address], capture_output=True)
    return done.returncode == 0


def test_hosts_reach_each_other_over_addresses_and_not_by_loopback(hosts, tmp_path):
    serve = hosts.inside(1, [sys.executable, "-c", SERVE], named=True)
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout.readline().strip() == hosts.host_name(1)
            other = hosts.inside(0, [sys.executable])
            assert reached(other, hosts.address(1))
            assert not reached(other, "127.0.0.1")
            assert reached([sys.executable], hosts.address(1))
        finally:
            server.kill()
    remove_network(tmp_path)
    left = subprocess.run(["ip", "link"], capture_output=True, text=True).stdout
    left += subprocess.run(["ip", "netns"], capture_output=True, text=True).stdout
    assert hosts.name not in left


def test_a_network_that_is_there_already_is_told(hosts, tmp_path):
    with pytest.raises(ClusterUnusable, match=r"`ip link add .* failed: .*File exists.*--hosts"):
        make_network(tmp_path, 2)


def test_without_root_it_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(network.os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterUnusable, match=r"take root.*without --hosts"):
        make_network(tmp_path, 2)
    assert list(tmp_path.iterdir()) == []
