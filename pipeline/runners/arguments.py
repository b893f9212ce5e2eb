"""Turns the settings of Beam's runner into Beam's own arguments."""

import json
from collections.abc import Sequence
from typing import Final

from pipeline.runners.config import LOCAL, BeamSettings

_EVERYWHERE: Final = (
    # Beam measures the size of what it caches by looking through all modules that are loaded,
    # which takes longer than to read it again from the same process.
    "--max_cache_memory_usage_mb=0",
    # Beam's default from 2.65 on. dill sets the level of its logger for each object, upon which
    # logging forgets what it knows of two thousand loggers: a tenth of the time of a pipeline.
    "--pickle_library=cloudpickle",
)
_NO_PACKAGE: Final = (
    # Any value keeps TFX from building a source package of itself for each component.
    "--sdk_container_image=unused"
)
_BATCHES: Final = (
    # Else Beam tunes the size of batches by the clock, and sums and quantiles in
    # Transform come out a little different in every run, and so does the model.
    "--tfxio_use_byte_size_batching"
)
LOCAL_BEAM_ARGS: Final = (
    # Named in full: left to itself, Beam may try another runner first, and run the
    # whole pipeline a second time when that fails.
    "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
    *_EVERYWHERE,
    _NO_PACKAGE,
    _BATCHES,
)
WORKER_MEMORY: Final = "BEAM_WORKER_MEMORY_MB"
"""Environment variable by which a worker's program is told how much memory it may take."""


def beam_arguments(settings: BeamSettings, raw: Sequence[str] = ()) -> list[str]:
    """Returns Beam's arguments for a runner.

    Args:
        settings: Which runner, and how it is reached.
        raw: Arguments that a user wrote. With the runner `local` they are all there is; with
            another they are added, and each takes the place of one of the same name.

    Returns:
        Arguments as Beam's PipelineOptions parses them. No address of a database is among them:
        workers need none.
    """
    if settings.beam_runner == LOCAL:
        return list(raw or LOCAL_BEAM_ARGS)
    own = [*_OF_RUNNER[settings.beam_runner](settings), *_EVERYWHERE, _BATCHES]
    given = {_name(one) for one in raw}
    return [*(one for one in own if _name(one) not in given), *raw]


def _flink(settings: BeamSettings) -> list[str]:
    return [
        "--runner=FlinkRunner",
        f"--flink_master={settings.beam_endpoint}",
        f"--flink_version={settings.beam_flink_version}",
        *_job_server("flink", settings),
        f"--parallelism={settings.beam_parallelism}",
        *_workers(settings),
    ]


def _spark(settings: BeamSettings) -> list[str]:
    return [
        "--runner=SparkRunner",
        f"--spark_master_url={settings.beam_endpoint}",
        "--spark_version=3",
        *_job_server("spark", settings),
        # Else the tasks of one process of Spark share one worker.
        f"--sdk_worker_parallelism={settings.beam_parallelism}",
        *_workers(settings),
    ]


def _portable(settings: BeamSettings) -> list[str]:
    return [
        "--runner=PortableRunner",
        f"--job_endpoint={settings.beam_endpoint}",
        # Engines know one or the other; Beam's own job service starts so many workers.
        f"--parallelism={settings.beam_parallelism}",
        f"--direct_num_workers={settings.beam_parallelism}",
        "--direct_running_mode=multi_processing",
        *_workers(settings),
    ]


def _dataflow(settings: BeamSettings) -> list[str]:
    account, memory = settings.dataflow_service_account, settings.beam_worker_memory_mb
    return [
        "--runner=DataflowRunner",
        f"--project={settings.dataflow_project}",
        f"--region={settings.dataflow_region}",
        f"--temp_location={settings.dataflow_temp_location}",
        f"--sdk_container_image={settings.beam_worker}",
        f"--max_num_workers={settings.beam_parallelism}",
        *([f"--service_account_email={account}"] if account else []),
        *([f"--resource_hint=min_ram={memory}MiB"] if memory else []),
    ]


_OF_RUNNER: Final = {
    "flink": _flink,
    "spark": _spark,
    "portable": _portable,
    "dataflow": _dataflow,
}


def _job_server(engine: str, settings: BeamSettings) -> list[str]:
    jar = settings.beam_job_server_jar
    return [f"--{engine}_job_server_jar={jar}"] if jar else []


def _workers(settings: BeamSettings) -> list[str]:
    kind, worker = settings.beam_environment, settings.worker
    if kind == "loopback":
        return ["--environment_type=LOOPBACK", _NO_PACKAGE]
    if kind == "docker":
        return ["--environment_type=DOCKER", f"--sdk_container_image={worker}"]
    if kind == "external":
        return ["--environment_type=EXTERNAL", f"--environment_config={worker}", _NO_PACKAGE]
    memory = settings.beam_worker_memory_mb
    process: dict[str, object] = {"command": worker}
    if memory:
        process["env"] = {WORKER_MEMORY: str(memory)}
    return [
        "--environment_type=PROCESS",
        f"--environment_config={json.dumps(process)}",
        _NO_PACKAGE,
    ]


def _name(argument: str) -> str:
    return argument.partition("=")[0]
