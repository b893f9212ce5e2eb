"""Beam's own job service in Python, with more than one worker: an engine without Java.

It is for one machine: to try what workers in other processes need, and for tests. It computes as
the local runner does, but each stage in processes of a pool, which are told all over the network.
"""

from typing import Any

from apache_beam.options.pipeline_options import DirectOptions
from apache_beam.runners.portability import local_job_service
from apache_beam.runners.portability.fn_api_runner import fn_runner


class JobService(local_job_service.LocalJobServicer):
    """Runs jobs with as many workers as their option --direct_num_workers says."""

    def create_beam_job(
        self, preparation_id: str, job_name: str, pipeline: Any, options: Any
    ) -> Any:
        """Makes a job."""
        job = super().create_beam_job(preparation_id, job_name, pipeline, options)
        job.__class__ = _Job
        return job


class _Job(local_job_service.BeamJob):
    def _invoke_runner(self) -> Any:
        options = self.pipeline_options()
        runner = fn_runner.FnApiRunner(provision_info=self._provision_info)
        # Beam sets it where a pipeline is run by this runner itself, and not where a job comes in.
        runner._num_workers = max(1, int(options.view_as(DirectOptions).direct_num_workers))
        self.set_state(local_job_service.beam_job_api_pb2.JobState.RUNNING)
        return runner.run_via_runner_api(self._pipeline_proto, options)


def serve_jobs(port: int) -> tuple[JobService, int]:
    """Listens for jobs on the loopback interface.

    Args:
        port: To listen on; 0 takes a free one.

    Returns:
        The service, which runs, and its port.
    """
    service = JobService()
    return service, service.start_grpc_server(port)
