"""The settings of Beam's runner: which engine, how it is reached, how its workers are made."""

import re
from typing import Final, Literal
from urllib.parse import urlsplit

import pydantic
from pydantic import Field

from components.config import Count, component_config

LOCAL: Final = "local"
DEFAULT_POOL: Final = "localhost:50000"
"""Of a worker pool on the machine of each worker, where beam_worker names no other."""
_PLACE: Final = re.compile(r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})$")
_ENGINES_WITH_WORKERS: Final = ("flink", "spark", "portable")


@component_config
class BeamSettings:
    """Which runner of Beam, and its workers (docs/cluster.md). Dataflow's are beside it."""

    beam_runner: Literal["local", "flink", "spark", "dataflow", "portable"] = Field(
        default="local",
        description="Beam: what runs the stages that can be divided: this process (local), a "
        "session cluster of Flink, Spark 3, Dataflow, or any job service of Beam (portable).",
    )
    beam_endpoint: str = Field(
        default="",
        description="Beam: address of the engine: of Flink's REST server or of a job service, "
        "HOST:PORT; of Spark, spark://HOST:PORT, or local[N] for Spark within the job server.",
    )
    beam_parallelism: Count = Field(
        default=2,
        description="Beam: how many tasks work at once; on Dataflow the largest number of workers.",
    )
    beam_environment: Literal["external", "process", "docker", "loopback"] = Field(
        default="external",
        description="Beam: how workers are made: by a pool that runs on each of their hosts "
        "(external), by the engine as processes (process) or containers (docker), or in the run's "
        "own process, on one host alone (loopback).",
    )
    beam_worker: str = Field(
        default="",
        description="Beam: what makes a worker: HOST:PORT of the pool, localhost:50000 if empty; "
        "the absolute path of the worker's program; or the container image.",
    )
    beam_worker_memory_mb: int = Field(
        default=0,
        ge=0,
        description="Beam: MiB that a worker may take for its data: a pool and a process bound "
        "it, Dataflow looks for a machine with as much; 0 for no bound.",
    )
    beam_flink_version: str = Field(
        default="1.18",
        pattern=r"^\d+\.\d+$",
        description="Beam: version of the Flink cluster, as in 1.18.",
    )
    beam_job_server_jar: str = Field(
        default="",
        description="Beam: file of Beam's job server for Flink or Spark, of the version of Beam "
        "that is installed; if empty, Beam downloads it.",
    )
    dataflow_project: str = Field(default="", description="Dataflow: project of Google Cloud.")
    dataflow_region: str = Field(default="", description="Dataflow: region, as in europe-west4.")
    dataflow_temp_location: str = Field(
        default="", description="Dataflow: folder of a bucket for its files, gs://..."
    )
    dataflow_service_account: str = Field(
        default="",
        description="Dataflow: e-mail address of the service account of its workers; the "
        "project's default one if empty.",
    )

    @pydantic.model_validator(mode="after")
    def _whole(self) -> "BeamSettings":
        for problem in (self._about_endpoint(), self._about_worker(), self._about_dataflow()):
            if problem:
                raise ValueError(problem)
        return self

    @property
    def worker(self) -> str:
        """What makes a worker: address of a pool, program, or image."""
        return self.beam_worker or (DEFAULT_POOL if self.beam_environment == "external" else "")

    def _about_endpoint(self) -> str:
        found, runner = self.beam_endpoint, self.beam_runner
        if runner in (LOCAL, "dataflow"):
            what = "runs in this process" if runner == LOCAL else "has no address of its own"
            return (
                f"beam_endpoint is {found!r}, but beam_runner is {runner}, which {what}: set "
                "beam_runner to flink, spark or portable, or leave beam_endpoint empty"
                if found
                else ""
            )
        if runner == "spark":
            fits = _is_local_spark(found) or (
                found.startswith("spark://") and _is_place(found.removeprefix("spark://"))
            )
            wanted = (
                "spark://HOST:PORT, the address of Spark's master, or local[N] for Spark within "
                "the job server, with N tasks at once"
            )
        elif runner == "flink":
            fits = _is_place(found) or _is_address_of_http(found)
            wanted = (
                "HOST:PORT of the REST server of Flink's JobManager, as in localhost:8081; "
                "`tens-insight cluster start` says that of the cluster that it starts"
            )
        else:
            fits, wanted = _is_place(found), "HOST:PORT of a job service of Beam"
        return "" if fits else f"beam_runner is {runner}: beam_endpoint must be {wanted}"

    def _about_worker(self) -> str:
        if self.beam_runner not in _ENGINES_WITH_WORKERS:
            return ""
        kind, found = self.beam_environment, self.worker
        if kind == "external" and not _is_place(found):
            return (
                f"beam_environment is external and beam_worker is {found!r}: expected HOST:PORT of "
                "a pool of workers, as `tens-insight cluster pool` serves one"
            )
        if kind == "process" and not found.startswith("/"):
            return (
                f"beam_environment is process and beam_worker is {found!r}: expected the absolute "
                "path of the worker's program on every host of the cluster (docs/cluster.md)"
            )
        if kind == "docker" and not found:
            return (
                "beam_environment is docker and beam_worker is empty: expected the container image "
                "of the workers, as `make image` builds it"
            )
        return ""

    def _about_dataflow(self) -> str:
        if self.beam_runner != "dataflow":
            return ""
        needed = ("dataflow_project", "dataflow_region", "dataflow_temp_location", "beam_worker")
        empty = [name for name in needed if not getattr(self, name)]
        if empty:
            return (
                f"beam_runner is dataflow: {', '.join(empty)} must be set; beam_worker is the "
                "container image of the workers, as `make image` builds it"
            )
        if not self.dataflow_temp_location.startswith("gs://"):
            return (
                f"dataflow_temp_location is {self.dataflow_temp_location!r}: expected a folder of "
                "a bucket, gs://BUCKET/FOLDER"
            )
        return ""


def _is_place(text: str) -> bool:
    found = _PLACE.match(text)
    return found is not None and 0 < int(found.group(2)) <= 65_535


def _is_local_spark(text: str) -> bool:
    return re.fullmatch(r"local\[[1-9][0-9]?\]", text) is not None


def _is_address_of_http(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_address(folder: str) -> bool:
    """Says whether a folder is one of a bucket, such as gs://bucket/folder."""
    return "://" in folder
