"""A pool of workers: starts a process for each worker that an engine asks it for.

Beam's own pool listens on all interfaces, to everybody, and starts whatever `python` is on PATH.
This one listens where it is told to, on the loopback interface by default, and starts workers with
the interpreter that it runs in itself.
"""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from concurrent import futures
from pathlib import Path
from typing import Any, Final, TextIO

from pipeline.runners.boot import variables_of
from pipeline.runners.errors import ClusterUnusable

_log = logging.getLogger(__name__)
_THREADS: Final = 16
POOL_LISTENS: Final = "A pool of workers listens"
"""How the message begins that says so."""
_GRACE_S: Final = 10


class WorkerPool:
    """The workers of a pool, by the connection of the engine and the id that it gave them.

    TaskManagers of Flink, and each job on them, count from one: an id alone names many workers.

    Args:
        memory_mb: That each may take, MiB; 0 for no bound.
        log: Gets what workers print; None for where this process prints its errors.
    """

    def __init__(self, memory_mb: int, log: TextIO | None):
        self._memory_mb, self._log = memory_mb, log
        self._workers: dict[tuple[str, str], subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def StartWorker(self, request: Any, context: Any) -> Any:  # noqa: N802 -- the service's name
        """Starts a worker; it asks the engine itself for all the rest."""
        from apache_beam.portability.api import beam_fn_api_pb2 as messages

        folder = tempfile.mkdtemp(prefix="beam-worker-")
        command = [
            *(sys.executable, "-m", "pipeline.runners.boot", f"--id={request.worker_id}"),
            f"--semi_persist_dir={folder}",
            f"--logging_endpoint={request.logging_endpoint.url}",
            f"--artifact_endpoint={request.artifact_endpoint.url}",
            f"--provision_endpoint={request.provision_endpoint.url}",
            f"--control_endpoint={request.control_endpoint.url}",
        ]
        try:
            worker = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env=variables_of(os.environ, self._memory_mb),
            )
        except OSError as error:
            shutil.rmtree(folder)
            return messages.StartWorkerResponse(error=f"{sys.executable}: {error}")
        name = context.peer(), request.worker_id
        with self._lock:
            self._workers[name] = worker
        threading.Thread(target=self._await_end, args=(name, worker, folder)).start()
        _log.info("Worker %s is process %d.", request.worker_id, worker.pid)
        return messages.StartWorkerResponse()

    def StopWorker(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Ends a worker; one of another connection ends when the engine lets go of it."""
        from apache_beam.portability.api import beam_fn_api_pb2 as messages

        with self._lock:
            worker = self._workers.pop((context.peer(), request.worker_id), None)
        if worker is not None:
            _end(worker)
        return messages.StopWorkerResponse()

    def stop(self) -> None:
        """Ends all workers."""
        with self._lock:
            workers, self._workers = self._workers, {}
        for worker in workers.values():
            worker.terminate()
        for worker in workers.values():
            _end(worker)

    def _await_end(
        self, name: tuple[str, str], worker: "subprocess.Popen[bytes]", folder: str
    ) -> None:
        """Removes what is left of a worker that has ended: its process, its files, its name."""
        code = worker.wait()
        shutil.rmtree(folder, ignore_errors=True)
        _log.info("Worker %s, process %d, has ended with %d.", name[1], worker.pid, code)
        with self._lock:
            if self._workers.get(name) is worker:
                del self._workers[name]


def serve_pool(address: str, memory_mb: int, log_file: Path | None) -> tuple[Any, WorkerPool, int]:
    """Listens for engines that ask for workers.

    Args:
        address: HOST:PORT to listen on; port 0 takes a free one. There is no authentication: a
            program that reaches it can run any code here.
        memory_mb: That each worker may take, MiB; 0 for no bound.
        log_file: Gets what workers print; None for where this process prints its errors.

    Returns:
        The server, which runs; its pool; and the port.

    Raises:
        ClusterUnusable: Nobody can listen there, or the file cannot be written.
    """
    import grpc
    from apache_beam.portability.api import beam_fn_api_pb2_grpc

    try:
        log = log_file.open("a", encoding="utf-8") if log_file else None
    except OSError as error:
        raise ClusterUnusable(
            f"The log of the workers cannot be written: {error}. Name another file with "
            "--worker-log, or none."
        ) from None
    pool = WorkerPool(memory_mb, log)
    # Without so_reuseport=0 a second pool would share the port of the first.
    server = grpc.server(futures.ThreadPoolExecutor(_THREADS), options=[("grpc.so_reuseport", 0)])
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError:
        port = 0
    if not port:
        raise ClusterUnusable(
            f"A pool of workers cannot listen on {address}: another program does, or this machine "
            "has no such address. Name another one with --listen."
        )
    server.start()
    return server, pool, port


def _end(worker: "subprocess.Popen[bytes]") -> None:
    worker.terminate()
    try:
        worker.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
