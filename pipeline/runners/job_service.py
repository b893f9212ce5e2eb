"""Beam's own job service in Python, with more than one worker: an engine without Java.

It is for one machine: to try what workers in other processes need, and for tests. It computes as
the local runner does, but each stage in processes of a pool, which get their work by gRPC. Beam's
own waits without end for a worker that died, where here the job fails; and what its workers speak
to listens on all interfaces, where here it is the loopback interface alone.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, Final

import grpc
from apache_beam.options.pipeline_options import DirectOptions
from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability import local_job_service
from apache_beam.runners.portability.fn_api_runner import fn_runner, worker_handlers

from pipeline.runners.errors import ClusterUnusable
from pipeline.runners.processes import listens

_PATIENCE_S: Final = 120
"""For a worker to come, which has to load its interpreter first."""


class JobService(local_job_service.LocalJobServicer):
    """Runs jobs with as many workers as their option --direct_num_workers says."""

    def __init__(self) -> None:
        super().__init__()
        self._begun: set[str] = set()

    def create_beam_job(
        self, preparation_id: str, job_name: str, pipeline: Any, options: Any
    ) -> Any:
        """Makes a job."""
        job = super().create_beam_job(preparation_id, job_name, pipeline, options)
        job.__class__ = _Job
        return job

    def Run(self, request: Any, context: Any = None, timeout: float | None = None) -> Any:  # noqa: N802
        """Runs a job that was prepared."""
        self._begun.add(request.preparation_id)
        return super().Run(request, context, timeout)

    def GetStateStream(  # noqa: N802
        self, request: Any, context: Any = None, timeout: float | None = None
    ) -> Iterator[Any]:
        """Yields the states of a job that runs.

        Of one that was only prepared Beam's client asks with a time limit of a minute, which then
        holds for the whole job; refused, as Java's job servers do, it asks again without one.
        """
        if context is not None and request.job_id not in self._begun:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Job {request.job_id} does not run yet.")
        yield from super().GetStateStream(request, context, timeout)


class _Job(local_job_service.BeamJob):
    def _invoke_runner(self) -> Any:
        options = self.pipeline_options()
        runner = fn_runner.FnApiRunner(provision_info=self._provision_info)
        # Beam sets it where a pipeline is run by this runner itself, and not where a job comes in.
        runner._num_workers = max(1, int(options.view_as(DirectOptions).direct_num_workers))
        self.set_state(local_job_service.beam_job_api_pb2.JobState.RUNNING)
        return runner.run_via_runner_api(self._pipeline_proto, options)


class _Connection(worker_handlers.ControlConnection):
    """Tells who waits for a worker that it is gone, or never came."""

    def __init__(self) -> None:
        super().__init__()
        self._lost = ""
        self._absent = threading.Timer(_PATIENCE_S, self._give_up, ["did not come"])
        self._absent.daemon = True
        self._absent.start()

    def set_input(self, input: Any) -> None:
        """Is called when the worker has come."""
        self._absent.cancel()
        super().set_input(input)

    def push(self, req: Any) -> Any:
        """Hands the worker a request."""
        future = super().push(req)
        if future is not None and self._lost:
            self._give_up(self._lost)
        return future

    def close(self) -> None:
        """Lets the worker go."""
        self._absent.cancel()
        super().close()

    def _read(self) -> None:
        # A connection that breaks ends like one that is closed, or with an error.
        with contextlib.suppress(Exception):
            super()._read()
        self._give_up("was lost")

    def _give_up(self, why: str) -> None:
        self._lost = why
        for name in list(self._futures_by_id):
            future = self._futures_by_id.pop(name, None)
            if future is not None:
                said = f"A worker {why}."
                future.set(beam_fn_api_pb2.InstructionResponse(instruction_id=name, error=said))


class _LoopbackGrpc:
    """The module grpc for Beam: its servers listen on the loopback interface alone."""

    def __getattr__(self, name: str) -> Any:
        return getattr(grpc, name)

    @staticmethod
    def server(*arguments: Any, **options: Any) -> Any:
        """Returns a server that keeps of an address to listen on its port."""
        server = grpc.server(*arguments, **options)
        listen = server.add_insecure_port
        server.add_insecure_port = lambda address: listen(f"localhost:{address.rpartition(':')[2]}")
        return server


def serve_jobs(port: int) -> tuple[JobService, int]:
    """Listens for jobs on the loopback interface.

    Args:
        port: To listen on; 0 takes a free one.

    Returns:
        The service, which runs, and its port.

    Raises:
        ClusterUnusable: Another program listens there.
    """
    if port and listens(port):  # gRPC would share it
        raise ClusterUnusable(
            f"A job service cannot listen on port {port}: another program does. Name another one "
            "with --port."
        )
    worker_handlers.ControlConnection = _Connection
    worker_handlers.grpc = _LoopbackGrpc()
    worker_handlers.ExternalWorkerHandler.host_from_worker = lambda handler: "localhost"
    service = JobService()
    return service, service.start_grpc_server(port)
