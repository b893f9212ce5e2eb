"""The program of a worker: asks the engine what to do, then becomes Beam's Python SDK harness.

Beam's own is a binary in its container images, which the wheel of the SDK does not have. An engine
(PROCESS) or a pool (EXTERNAL) starts this one as

    python -m pipeline.runners.boot --id=ID --provision_endpoint=HOST:PORT ...

The environment of the worker is the one that it is started in: nothing is installed.
"""

import argparse
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from pipeline.runners.arguments import WORKER_MEMORY
from pipeline.text.terminal import say

_PATIENCE_S: Final = 60
_FOR_THE_OWNER_ALONE: Final = 0o077
_LOOKS_S: Final = 1.0
_DATABASES: Final = ("PG", "DATABASE_URL", "METADATA_DATABASE_URL", "REDIS_URL")
"""How names of variables begin that hold addresses of databases."""
_PACKAGES: Final = (".whl", ".tar.gz", ".zip", "requirements.txt")


class BootFailed(RuntimeError):
    """The worker cannot begin."""


class Arguments(NamedTuple):
    """What the engine hands to the program."""

    id: str
    logging_endpoint: str
    artifact_endpoint: str
    provision_endpoint: str
    control_endpoint: str
    semi_persist_dir: str


def main(argv: Sequence[str]) -> int:
    """Runs a worker until the engine lets it go; returns the exit code."""
    arguments = _arguments(argv)
    _end_with_parent(os.getppid())
    os.umask(_FOR_THE_OWNER_ALONE)  # what workers write names accounts
    try:
        _bound_memory(os.environ.get(WORKER_MEMORY, ""))
        folder = Path(arguments.semi_persist_dir or tempfile.mkdtemp(prefix="beam-worker-"))
        info = _provision(arguments)
        _fetch_artifacts(arguments, info, folder / "staged")
        os.environ.update(environment_of(arguments, info, folder))
    except BootFailed as failed:
        say(f"Worker {arguments.id} cannot begin: {failed}", err=True)
        return 1
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main([])
    return 0


def environment_of(arguments: Arguments, info: Any, folder: Path) -> dict[str, str]:
    """Returns the variables that Beam's harness reads.

    Args:
        arguments: Of the program.
        info: ProvisionInfo of the engine. What it leaves out the arguments say.
        folder: For files of the worker.
    """
    from google.protobuf import json_format

    found = {
        "WORKER_ID": arguments.id,
        "SEMI_PERSISTENT_DIRECTORY": str(folder),
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
        "LOGGING_API_SERVICE_DESCRIPTOR": _endpoint(
            info.logging_endpoint.url or arguments.logging_endpoint
        ),
        "CONTROL_API_SERVICE_DESCRIPTOR": _endpoint(
            info.control_endpoint.url or arguments.control_endpoint
        ),
    }
    if info.status_endpoint.url:
        found["STATUS_API_SERVICE_DESCRIPTOR"] = _endpoint(info.status_endpoint.url)
    return found


def _arguments(argv: Sequence[str]) -> Arguments:
    parser = argparse.ArgumentParser(prog="python -m pipeline.runners.boot", description=__doc__)
    parser.add_argument("--id", required=True)
    for name in ("logging", "artifact", "provision", "control"):
        parser.add_argument(f"--{name}_endpoint", default="")
    parser.add_argument("--semi_persist_dir", default="")
    # Engines add arguments with time; those of another version of Beam do no harm.
    return Arguments(**vars(parser.parse_known_args(argv)[0]))


def _endpoint(url: str) -> str:
    from apache_beam.portability.api import endpoints_pb2
    from google.protobuf import text_format

    return text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=url))


def _provision(arguments: Arguments) -> Any:
    """Asks the engine for the options of the pipeline, and where it listens."""
    from apache_beam.portability.api import beam_provision_api_pb2 as messages
    from apache_beam.portability.api import beam_provision_api_pb2_grpc as services

    if not arguments.provision_endpoint:
        raise BootFailed("the engine named no --provision_endpoint, which every one of Beam's does")
    with _channel(arguments.provision_endpoint) as channel:
        answer = services.ProvisionServiceStub(channel).GetProvisionInfo(
            messages.GetProvisionInfoRequest(),
            metadata=_named(arguments),
            timeout=_PATIENCE_S,
            wait_for_ready=True,
        )
    return answer.info


@contextmanager
def _channel(endpoint: str) -> Iterator[Any]:
    """Opens a way to a service of the engine."""
    import grpc

    try:
        with grpc.insecure_channel(endpoint) as channel:
            yield channel
    except grpc.RpcError as error:
        raise BootFailed(
            f"the engine did not answer at {endpoint} within {_PATIENCE_S} s "
            f"({error.code().name}): it must be reached from this host by that name"
        ) from None


def _fetch_artifacts(arguments: Arguments, info: Any, folder: Path) -> None:
    """Fetches what was staged with the pipeline; packages, which are not installed, are refused."""
    if not info.dependencies:
        return
    from apache_beam.portability.api import beam_artifact_api_pb2 as messages
    from apache_beam.portability.api import beam_artifact_api_pb2_grpc as services
    from apache_beam.portability.api import beam_runner_api_pb2

    folder.mkdir(parents=True, exist_ok=True)
    endpoint = info.artifact_endpoint.url or arguments.artifact_endpoint
    with _channel(endpoint) as channel:
        stub = services.ArtifactRetrievalServiceStub(channel)
        resolved = stub.ResolveArtifacts(
            messages.ResolveArtifactsRequest(artifacts=info.dependencies),
            metadata=_named(arguments),
            timeout=_PATIENCE_S,
        )
        for place, one in enumerate(resolved.replacements):
            role = beam_runner_api_pb2.ArtifactStagingToRolePayload()
            role.ParseFromString(one.role_payload)
            name = Path(role.staged_name).name or f"artifact-{place}"
            if name.endswith(_PACKAGES):
                raise BootFailed(
                    f"the pipeline brings the package {name}, and a worker installs nothing: build "
                    "the workers' environment with it (docs/cluster.md), and take it out of "
                    "BEAM_PIPELINE_ARGS"
                )
            chunks = stub.GetArtifact(
                messages.GetArtifactRequest(artifact=one),
                metadata=_named(arguments),
                timeout=_PATIENCE_S,
            )
            (folder / name).write_bytes(b"".join(chunk.data for chunk in chunks))


def _named(arguments: Arguments) -> tuple[tuple[str, str], ...]:
    return (("worker_id", arguments.id),)


def _bound_memory(text: str) -> None:
    """Bounds the memory for data of this process: Python then raises MemoryError beyond it."""
    if not text:
        return
    if not text.isdecimal():
        raise BootFailed(f"{WORKER_MEMORY} is {text!r}: expected a number of MiB")
    if int(text):
        limit = int(text) * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _end_with_parent(parent: int) -> None:
    """Ends this process once its parent is gone: a killed engine leaves no worker that writes."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOKS_S)
        os._exit(1)

    threading.Thread(target=look, name="parent", daemon=True).start()


def variables_of(base: Mapping[str, str], memory_mb: int) -> dict[str, str]:
    """Returns the environment of a worker or an engine: without databases, passwords and tokens.

    Args:
        base: Of the process that starts it.
        memory_mb: That it may take, MiB; 0 for no bound.
    """
    from components.config import is_secret
    from pipeline.settings import SETTINGS, variable

    secrets = {variable(name) for name, field in SETTINGS.items() if is_secret(field)}
    kept = {
        name: text
        for name, text in base.items()
        if name not in secrets and not name.startswith(_DATABASES)
    }
    return {**kept, WORKER_MEMORY: str(memory_mb)} if memory_mb else kept


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # TensorFlow's destructors complain at interpreter exit, and threads of a bundle may wait.
    os._exit(code)
