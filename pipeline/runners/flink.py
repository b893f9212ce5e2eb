"""A session cluster of Flink on this machine, from its jars alone: no scripts, no containers."""

import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pipeline.runners.errors import ClusterUnusable

JAVA_VERSIONS: Final = (11, 17)
"""What Flink 1.17 to 1.20 run on; 17 with the packages below opened."""
_JOB_MANAGER: Final = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER: Final = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_DIST: Final = re.compile(r"^flink-dist-(\d+\.\d+)\.\d+\.jar$")
_OPENED: Final = (
    *("java.base/java.lang", "java.base/java.net", "java.base/java.io", "java.base/java.nio"),
    *("java.base/sun.nio.ch", "java.base/java.lang.reflect", "java.base/java.text"),
    *("java.base/java.time", "java.base/java.util", "java.base/java.util.concurrent"),
    *("java.base/java.util.concurrent.atomic", "java.base/java.util.concurrent.locks"),
)
"""As the env.java.opts.all of Flink's own configuration opens them."""
_OVERVIEW: Final = frozenset(("flink-version", "taskmanagers", "slots-total", "slots-available"))
_PATIENCE_S: Final = 5
LOOPBACK: Final = "127.0.0.1"
_LARGEST_MESSAGE: Final = "134217728b"
"""Between JobManager and TaskManagers; large records fail with Flink's default of 10 MiB."""


_BUFFERS_OF_A_SHUFFLE: Final = 64
"""Of 32 KiB each. With Flink's default of 512 for each shuffle, a job with dozens of them fails
even where a TaskManager has 256 MiB for them."""
_FRAMEWORK_OFF_HEAP: Final = 64
_TASK_OFF_HEAP: Final = 256
"""gRPC's buffers for what workers get and give. Where they run out, Beam waits without end."""


@dataclass(frozen=True)
class FlinkHome:
    """Flink's jars.

    Attributes:
        jars: Folder of them.
        version: As in 1.18.
    """

    jars: Path
    version: str


@dataclass(frozen=True)
class Memory:
    """Memory of a cluster's parts, MiB.

    Attributes:
        job_manager: Heap of the JobManager.
        task_heap: Heap of a TaskManager, of which 128 are Flink's own.
        network: Of a TaskManager, for what tasks hand each other.
    """

    job_manager: int = 384
    task_heap: int = 384
    network: int = 256

    @property
    def direct(self) -> int:
        """Memory of a TaskManager outside of its heap."""
        return _FRAMEWORK_OFF_HEAP + _TASK_OFF_HEAP + self.network


def find_flink(folder: str) -> FlinkHome:
    """Finds Flink's jars.

    Args:
        folder: Of an unpacked Flink, or of its jars.

    Raises:
        ClusterUnusable: There are none.
    """
    for jars in (Path(folder) / "lib", Path(folder)):
        for jar in sorted(jars.glob("flink-dist-*.jar")):
            found = _DIST.match(jar.name)
            if found:
                return FlinkHome(jars.absolute(), found.group(1))
    raise ClusterUnusable(
        f"There is no flink-dist-VERSION.jar in {folder or 'the current folder'} or its lib. Name "
        "an unpacked Flink with --flink or FLINK_HOME; `requirements/flink.sh` fetches one from "
        "PyPI and says where it is."
    )


def find_java() -> tuple[str, int]:
    """Returns the path of Java, and its version: that of JAVA_HOME, else the one on PATH.

    Raises:
        ClusterUnusable: There is none.
    """
    home = os.environ.get("JAVA_HOME")
    path = f"{home}/bin/java" if home else shutil.which("java")
    if path is None:
        raise ClusterUnusable(
            "Java was not found: JAVA_HOME is not set, and `java` is not on PATH. Flink and Beam's "
            f"job servers need Java {' or '.join(map(str, JAVA_VERSIONS))}: on Debian, the package "
            "openjdk-17-jre-headless."
        )
    return path, version_of_java(path)


def version_of_java(path: str) -> int:
    """Returns the version of Java at a path.

    Raises:
        ClusterUnusable: There is none that runs.
    """
    try:
        said = subprocess.run(
            [path, "-version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClusterUnusable(f"{path} does not run: {error}. Set JAVA_HOME to a Java.") from None
    found = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    if found is None:
        raise ClusterUnusable(f"{path} does not say which Java it is. Set JAVA_HOME to a Java.")
    return int(found.group(1))


def write_configuration(
    folder: Path,
    *,
    rest_port: int,
    rpc_port: int,
    slots: int,
    memory: Memory,
    host: str = LOOPBACK,
) -> None:
    """Writes the configuration of a cluster that listens on its own addresses alone.

    Args:
        folder: Gets flink-conf.yaml and the configuration of the log.
        rest_port: Of the REST server of the JobManager.
        rpc_port: Of the JobManager itself.
        slots: Of a TaskManager: tasks that it works on at once.
        memory: Of the parts. A TaskManager that no script starts must be told every size.
        host: Address of the JobManager. On one of the loopback interface alone it listens there
            alone, on another one on all interfaces of its host, which needs a network of its own:
            parts of the JobManager look for each other on the loopback interface.
    """
    listens = host if host == LOOPBACK else "0.0.0.0"  # noqa: S104 -- within its own network
    folder.mkdir(parents=True, exist_ok=True)
    settings: dict[str, object] = {
        "jobmanager.rpc.address": host,
        "jobmanager.rpc.port": rpc_port,
        "jobmanager.bind-host": listens,
        "rest.address": host,
        "rest.bind-address": listens,
        "rest.port": rest_port,
        "taskmanager.numberOfTaskSlots": slots,
        "taskmanager.cpu.cores": 1.0,
        "taskmanager.memory.framework.heap.size": "128m",
        "taskmanager.memory.task.heap.size": f"{memory.task_heap - 128}m",
        "taskmanager.memory.framework.off-heap.size": f"{_FRAMEWORK_OFF_HEAP}m",
        "taskmanager.memory.task.off-heap.size": f"{_TASK_OFF_HEAP}m",
        "taskmanager.memory.network.min": f"{memory.network}m",
        "taskmanager.memory.network.max": f"{memory.network}m",
        "taskmanager.memory.managed.size": "64m",
        "taskmanager.memory.jvm-metaspace.size": "256m",
        "taskmanager.memory.jvm-overhead.min": "192m",
        "taskmanager.memory.jvm-overhead.max": "192m",
        "taskmanager.network.sort-shuffle.min-buffers": _BUFFERS_OF_A_SHUFFLE,
        "pekko.framesize": _LARGEST_MESSAGE,
        "io.tmp.dirs": str(folder / "tmp"),
        "web.upload.dir": str(folder / "tmp"),
        "blob.storage.directory": str(folder / "tmp"),
        # A TaskManager that dies is missed soon, and the job goes on with what is left.
        "heartbeat.interval": 2000,
        "heartbeat.timeout": 10000,
        # Nobody starts a TaskManager again here: what waits for the slots of one that is lost
        # fails soon, and the job after it. Flink's default is 5 minutes for each attempt.
        "slot.request.timeout": 20000,
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": 5,
        "restart-strategy.fixed-delay.delay": "2 s",
        # Tasks are spread over all TaskManagers, even where one has slots for all of them.
        "cluster.evenly-spread-out-slots": "true",
    }
    (folder / "tmp").mkdir(exist_ok=True)
    text = "".join(f"{name}: {value}\n" for name, value in settings.items())
    (folder / "flink-conf.yaml").write_text(text, encoding="utf-8")
    (folder / "log4j.properties").write_text(_LOG, encoding="utf-8")


_LOG: Final = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.name = console
appender.console.type = Console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %-5p %c{1} %m%n
"""


def job_manager_command(java: str, home: FlinkHome, folder: Path, memory: Memory) -> list[str]:
    """Returns the command of the JobManager."""
    heap = f"{memory.job_manager}m"
    jvm = _jvm(java, home, folder, heap, metaspace="256m")
    return [*jvm, _JOB_MANAGER, "--configDir", str(folder), "--executionMode", "cluster"]


def task_manager_command(
    java: str, home: FlinkHome, folder: Path, memory: Memory, name: str, host: str = LOOPBACK
) -> list[str]:
    """Returns the command of a TaskManager that listens on one address of its host."""
    jvm = _jvm(java, home, folder, f"{memory.task_heap}m", metaspace="256m")
    own = [f"-Dtaskmanager.{one}={host}" for one in ("host", "bind-host")]
    own.append(f"-Dtaskmanager.resource-id={name}")
    return [
        *jvm,
        f"-XX:MaxDirectMemorySize={memory.direct}m",
        _TASK_MANAGER,
        "--configDir",
        str(folder),
        *own,
    ]


def _jvm(java: str, home: FlinkHome, folder: Path, heap: str, metaspace: str) -> list[str]:
    opened = [f"--add-opens={package}=ALL-UNNAMED" for package in _OPENED]
    return [
        *(java, f"-Xms{heap}", f"-Xmx{heap}", f"-XX:MaxMetaspaceSize={metaspace}"),
        # On a machine with few processors and many programs more threads gain nothing.
        *("-XX:+UseSerialGC", f"-Djava.io.tmpdir={folder / 'tmp'}"),
        f"-Dlog4j.configurationFile=file:{folder / 'log4j.properties'}",
        *opened,
        *("-classpath", f"{home.jars}/*"),
    ]


def ask(endpoint: str, path: str) -> Any:
    """Asks the REST server of a JobManager.

    Args:
        endpoint: HOST:PORT, or an address of HTTP.
        path: As in /overview.

    Raises:
        ClusterUnusable: It does not answer, or not as Flink's does.
    """
    address = endpoint if "://" in endpoint else f"http://{endpoint}"
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}{path}", timeout=_PATIENCE_S) as answer:  # noqa: S310 -- the setting allows HTTP alone
            return json.loads(answer.read())
    except (OSError, urllib.error.URLError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise ClusterUnusable(
            f"Flink's JobManager does not answer at {endpoint}: {reason}. Start the cluster "
            "(`tens-insight cluster start` for one on this machine), or set "
            "TENS_INSIGHT_BEAM_ENDPOINT to its REST address."
        ) from None


def overview(endpoint: str) -> Mapping[str, Any]:
    """Returns version, TaskManagers and slots of a cluster."""
    found = ask(endpoint, "/overview")
    if not isinstance(found, dict) or not found.keys() >= _OVERVIEW:
        raise ClusterUnusable(f"{endpoint} answers, but is no REST server of Flink.")
    return found


def hosts_of_task_managers(endpoint: str) -> set[str]:
    """Returns the addresses on which the TaskManagers of a cluster listen."""
    found = ask(endpoint, "/taskmanagers")
    paths = [str(one.get("path", "")) for one in found.get("taskmanagers", [])]
    return {urlsplit(path).hostname or "" for path in paths}
