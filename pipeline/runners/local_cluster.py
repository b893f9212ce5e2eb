"""A cluster on this machine, for trying and for tests: an engine and a pool of workers."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from pipeline.runners import flink, processes
from pipeline.runners.boot import variables_of
from pipeline.runners.errors import ClusterUnusable
from pipeline.runners.network import Network, make_network, remove_network
from pipeline.runners.pool import POOL_LISTENS
from pipeline.runners.processes import Background

FOLDER: Final = "cluster"
"""Within the state directory."""
_KEPT: Final = "cluster.json"
_PATIENCE_S: Final = 120
Engine = Literal["flink", "spark", "portable"]


@dataclass(frozen=True)
class Wanted:
    """What is to be started.

    Attributes:
        engine: Flink; Spark, which each job server of Beam brings with it; or Beam's job service in
            Python, which needs no Java.
        workers: TaskManagers of Flink, tasks of Spark, or worker processes.
        slots: Of a TaskManager.
        flink_home: Folder of Flink; empty for an engine without it.
        worker_memory_mb: That a worker may take for its data, MiB; 0 for no bound.
        memory: Of the parts of Flink.
        hosts: Whether JobManager and each TaskManager of Flink are on hosts of their own, network
            namespaces of this machine, the latter with a pool beside them.
    """

    engine: Engine
    workers: int = 2
    slots: int = 1
    flink_home: str = ""
    worker_memory_mb: int = 0
    memory: flink.Memory = field(default_factory=flink.Memory)
    hosts: bool = False


def start_cluster(folder: Path, wanted: Wanted) -> dict[str, str]:
    """Starts a cluster that listens on the loopback interface alone, or on its hosts' addresses.

    Args:
        folder: For its logs and configuration, and for who ends it.
        wanted: What it is.

    Returns:
        The settings that name it, by their names.

    Raises:
        ClusterUnusable: One runs already, or a part cannot be started. Nothing is left running.
    """
    running = [one.name for one in processes.read(folder / _KEPT)[0] if one.alive]
    if running:
        raise ClusterUnusable(
            f"A cluster runs already ({', '.join(running)}; {folder}). End it with `tens-insight "
            "cluster stop` first."
        )
    remove_network(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    started: list[Background] = []
    try:
        network = make_network(folder, wanted.workers + 1) if wanted.hosts else None
        facts = _start_pools(folder, wanted, network, started)
        if wanted.engine == "flink":
            facts |= _start_flink(folder, wanted, network, started)
        elif wanted.engine == "spark":
            facts |= {
                "beam_runner": "spark",
                "beam_endpoint": f"local[{wanted.workers}]",
                "beam_parallelism": str(wanted.workers),
            }
        else:
            facts |= _start_jobs(folder, wanted, started)
    except BaseException:
        processes.stop(started)
        remove_network(folder)
        raise
    processes.write(folder / _KEPT, started, facts)
    return facts


def stop_cluster(folder: Path) -> list[str]:
    """Ends the cluster that was started; returns what ran of it.

    Raises:
        ClusterUnusable: What was kept about it is damaged.
    """
    kept = folder / _KEPT
    stopped = processes.stop(processes.read(kept)[0])
    remove_network(folder)
    kept.unlink(missing_ok=True)
    return stopped


def running_cluster(folder: Path) -> tuple[list[Background], dict[str, str]]:
    """Returns the processes that were started, and the settings that name the cluster.

    Raises:
        ClusterUnusable: What was kept about it is damaged.
    """
    return processes.read(folder / _KEPT)


def _start_pools(
    folder: Path, wanted: Wanted, network: Network | None, started: list[Background]
) -> dict[str, str]:
    """Starts a pool, or one on each host, which TaskManagers all reach as localhost."""
    port = processes.free_port()
    memory = str(wanted.worker_memory_mb)
    command = ["cluster", "pool", "--listen", f"127.0.0.1:{port}", "--memory-mb", memory]
    if network is None:
        command += ["--worker-log", str(folder / "workers.log")]
        _start_own("worker pool", command, port, folder, started)
    else:
        for number in range(wanted.workers):
            own = [*command, "--worker-log", str(folder / f"workers-{number}.log")]
            _start_pool_of_host(network, number, own, folder, started)
    return {"beam_environment": "external", "beam_worker": f"localhost:{port}"}


def _start_pool_of_host(
    network: Network, number: int, arguments: list[str], folder: Path, started: list[Background]
) -> None:
    name, log = f"worker pool {number}", folder / f"worker-pool-{number}.log"
    own = network.inside(number, [sys.executable, "-m", "pipeline.cli", *arguments], named=True)
    started.append(processes.start(name, own, log, _environment()))
    processes.wait_for(
        # Its port is on the loopback interface of that host.
        *(started[-1], log, lambda: POOL_LISTENS in log.read_text(errors="replace")),
        *(_PATIENCE_S, "listened"),
    )


def _start_jobs(folder: Path, wanted: Wanted, started: list[Background]) -> dict[str, str]:
    port = processes.free_port()
    _start_own("job service", ["cluster", "jobs", "--port", str(port)], port, folder, started)
    return {
        "beam_runner": "portable",
        "beam_endpoint": f"localhost:{port}",
        "beam_parallelism": str(wanted.workers),
    }


def _start_own(
    name: str, arguments: list[str], port: int, folder: Path, started: list[Background]
) -> None:
    """Starts a command of ours that listens on a port."""
    log = folder / f"{name.replace(' ', '-')}.log"
    command = [sys.executable, "-m", "pipeline.cli", *arguments]
    started.append(processes.start(name, command, log, _environment()))
    processes.wait_for(
        started[-1], log, lambda: processes.listens(port), _PATIENCE_S, f"listened on port {port}"
    )


def _start_flink(
    folder: Path, wanted: Wanted, network: Network | None, started: list[Background]
) -> dict[str, str]:
    home = flink.find_flink(wanted.flink_home)
    java, version = flink.find_java()
    if version not in flink.JAVA_VERSIONS:
        raise ClusterUnusable(
            f"Java {version} ({java}) was found. Flink {home.version} needs Java "
            f"{' or '.join(map(str, flink.JAVA_VERSIONS))}: name it with JAVA_HOME."
        )
    rest, rpc = processes.free_port(), processes.free_port()
    own = folder / "flink"
    # After the hosts of the TaskManagers.
    host = network.address(wanted.workers) if network else flink.LOOPBACK
    flink.write_configuration(
        own,
        rest_port=rest,
        rpc_port=rpc,
        slots=wanted.slots,
        memory=wanted.memory,
        host=host,
    )
    endpoint = f"{host if network else 'localhost'}:{rest}"
    log = folder / "job-manager.log"
    command = flink.job_manager_command(java, home, own, wanted.memory)
    if network:
        command = network.inside(wanted.workers, command)
    started.append(processes.start("JobManager", command, log, _environment()))
    processes.wait_for(
        started[-1], log, lambda: _slots(endpoint) is not None, _PATIENCE_S, "answered"
    )
    for number in range(wanted.workers):
        name = f"TaskManager-{number}"
        log = folder / f"task-manager-{number}.log"
        host = network.address(number) if network else flink.LOOPBACK
        command = flink.task_manager_command(java, home, own, wanted.memory, name, host)
        if network:
            command = network.inside(number, command)
        started.append(processes.start(name, command, log, _environment()))
        expected = (number + 1) * wanted.slots
        processes.wait_for(
            started[-1],
            log,
            lambda expected=expected: (_slots(endpoint) or 0) >= expected,  # type: ignore[misc]
            _PATIENCE_S,
            "told the JobManager its slots",
        )
    return {
        "beam_runner": "flink",
        "beam_endpoint": endpoint,
        "beam_flink_version": home.version,
        "beam_parallelism": str(wanted.workers * wanted.slots),
    }


def _slots(endpoint: str) -> int | None:
    try:
        return int(flink.overview(endpoint)["slots-total"])
    except ClusterUnusable:
        return None


def _environment() -> Mapping[str, str]:
    """Returns the environment of what is left running: no address of a database is in it."""
    return variables_of(os.environ, 0)
