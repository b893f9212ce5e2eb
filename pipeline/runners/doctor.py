"""Looks at the engine that the settings name, and says what to mend before a run needs it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from components.state_files import private_files
from pipeline.runners import flink
from pipeline.runners.arguments import beam_arguments
from pipeline.runners.boot import variables_of
from pipeline.runners.config import LOCAL, BeamSettings, is_address
from pipeline.runners.errors import ClusterUnusable
from pipeline.settings import Settings

State = Literal["ok", "failed", "not checked"]
_TASKS_PER_WORKER: Final = 8
_SDK: Final = "org/apache/beam/sdk/sdk.properties"
_TOLD: Final = 1_500
_NAME: Final = "doctor-"
"""How the folder begins in which the probe works."""
_FILE_SYSTEMS: Final = (
    "TFX reaches gs:// with what TensorFlow brings; s3:// needs the package tensorflow-io, of the "
    "version of TensorFlow, here and in the workers' environment; minio:// it does not know: name "
    "the bucket s3:// and its server with S3_ENDPOINT."
)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        state: How it is.
        found: What was found.
        mend: What to do; empty where nothing is to be done.
    """

    name: str
    state: State
    found: str
    mend: str = ""

    def as_json(self) -> dict[str, str]:
        """Returns it as plain values."""
        return asdict(self)


def examine(settings: Settings, patience_s: float, artifacts: str = "") -> list[Check]:
    """Looks at everything that a run on the chosen engine needs, and runs a small job there.

    Args:
        settings: Name the engine.
        patience_s: Seconds after which a job that has not ended is given up.
        artifacts: Folder or bucket that workers must read and write; if empty, that of the runs of
            this machine, and on Dataflow, whose workers see none of it, Kubeflow's.
    """
    beam = settings.beam
    if beam.beam_runner == LOCAL:
        found = "beam_runner is local: all stages run in the process of the run"
        return [Check("engine", "ok", found)]
    checks = list(_of_engine(beam)) + list(_of_workers(beam))
    root = artifacts.rstrip("/") or _default_root(settings)
    checks += _of_bucket(root, patience_s) if is_address(root) else _of_folder(Path(root), beam)
    if beam.beam_runner == "dataflow":
        found = "a job on Dataflow costs money: none was started"
        return [*checks, Check("job", "not checked", found)]
    if any(one.state == "failed" for one in checks):
        found = "no job was started: something above has to be mended first"
        return [*checks, Check("job", "not checked", found)]
    return [*checks, *_of_job(settings, root, patience_s)]


def _of_engine(beam: BeamSettings) -> Iterator[Check]:
    if beam.beam_runner in ("flink", "spark"):
        yield _java()
        yield _job_server(beam)
    if beam.beam_runner == "flink":
        yield from _flink(beam)
    if beam.beam_runner == "portable":
        yield _listening("job service", beam.beam_endpoint, "TENS_INSIGHT_BEAM_ENDPOINT")


def _java() -> Check:
    """Beam starts its job server with the `java` of PATH."""
    path = shutil.which("java")
    needed = " or ".join(map(str, flink.JAVA_VERSIONS))
    if path is None:
        mend = f"Install Java {needed} (on Debian openjdk-17-jre-headless), or put it on PATH."
        return Check(
            "Java", "failed", "there is no `java` on PATH; Beam's job server needs it", mend
        )
    try:
        found = flink.version_of_java(path)
    except ClusterUnusable as error:
        return Check("Java", "failed", str(error), f"Put Java {needed} first on PATH.")
    if found not in flink.JAVA_VERSIONS:
        mend = f"Put Java {needed} first on PATH."
        return Check("Java", "failed", f"{path} is Java {found}", mend)
    return Check("Java", "ok", f"{path} is Java {found}")


def _job_server(beam: BeamSettings) -> Check:
    name, jar, own = "job server", beam.beam_job_server_jar, version("apache-beam")
    artifact = (
        f"beam-runners-flink-{beam.beam_flink_version}-job-server"
        if beam.beam_runner == "flink"
        else "beam-runners-spark-3-job-server"
    )
    coordinates = f"org.apache.beam:{artifact}:{own}"
    if not jar:
        found = f"Beam downloads {coordinates} from Maven Central when the first run begins"
        return Check(name, "not checked", found)
    mend = f"Fetch {coordinates} from Maven Central and set TENS_INSIGHT_BEAM_JOB_SERVER_JAR to it."
    try:
        with zipfile.ZipFile(jar) as content:
            lines = content.read(_SDK).decode("utf-8", "replace").splitlines()
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        said = "it holds no SDK of Beam" if isinstance(error, KeyError) else str(error)
        return Check(name, "failed", f"{jar} is no job server: {said}", mend)
    found = next((line[8:] for line in lines if line.startswith("version=")), "unknown")
    if found != own:
        return Check(name, "failed", f"{jar} is of Beam {found}, the SDK here is {own}", mend)
    return Check(name, "ok", f"{jar} is of Beam {found}, as the SDK here")


def _flink(beam: BeamSettings) -> Iterator[Check]:
    from apache_beam.options.pipeline_options import FlinkRunnerOptions

    known = FlinkRunnerOptions.PUBLISHED_FLINK_VERSIONS
    try:
        found = flink.overview(beam.beam_endpoint)
    except ClusterUnusable as error:
        said, _, mend = str(error).partition(". ")
        yield Check("Flink", "failed", f"{said}.", mend)
        return
    is_version = ".".join(str(found["flink-version"]).split(".")[:2])
    said = f"version {found['flink-version']} at {beam.beam_endpoint}"
    if is_version not in known:
        mend = f"Beam {version('apache-beam')} runs on Flink {known[0]} to {known[-1]}: use one."
        yield Check("Flink", "failed", said, mend)
    elif is_version != beam.beam_flink_version:
        mend = f"Set TENS_INSIGHT_BEAM_FLINK_VERSION={is_version}."
        yield Check("Flink", "failed", f"{said}, not {beam.beam_flink_version}", mend)
    else:
        yield Check("Flink", "ok", said)
    managers, slots = int(found["taskmanagers"]), int(found["slots-total"])
    said = f"{managers} with {slots} slots, of which {found['slots-available']} are free"
    if slots < beam.beam_parallelism:
        mend = (
            f"Start TaskManagers until there are {beam.beam_parallelism} slots, or set "
            f"TENS_INSIGHT_BEAM_PARALLELISM to {max(1, slots)} or less."
        )
        yield Check("TaskManagers", "failed", said, mend)
    else:
        yield Check("TaskManagers", "ok", said)


def _of_workers(beam: BeamSettings) -> Iterator[Check]:
    if beam.beam_runner == "dataflow" or beam.beam_environment == "docker":
        found = f"the image {beam.worker} is not looked at from here"
        yield Check("workers", "not checked", found)
    elif beam.beam_environment == "external":
        yield _pool(beam)
    elif beam.beam_environment == "process":
        if os.access(beam.worker, os.X_OK):
            yield Check("workers", "ok", f"{beam.worker} can be run on this host")
        else:
            mend = "Put it there, executable, on every host of the cluster (docs/cluster.md)."
            yield Check("workers", "failed", f"{beam.worker} cannot be run on this host", mend)
    else:
        yield Check("workers", "ok", "in the process of the run (loopback): on this host alone")


def _pool(beam: BeamSettings) -> Check:
    """A pool named localhost is one on each host of the engine, which this one may not be."""
    check = _listening("worker pool", beam.worker, "TENS_INSIGHT_BEAM_WORKER")
    if check.state == "ok":
        return check
    if _is_loopback(beam.worker.rpartition(":")[0]) and _is_elsewhere(beam):
        found = f"one is needed at {beam.worker} of every host of the engine: the job will tell"
        return Check(check.name, "not checked", found)
    mend = f"Start one beside each TaskManager: `tens-insight cluster pool --listen {beam.worker}`."
    return Check(check.name, check.state, check.found, mend)


def _is_elsewhere(beam: BeamSettings) -> bool:
    """Says whether an engine works on other hosts than this one, and on none of this one."""
    if beam.beam_runner == "spark" and beam.beam_endpoint.startswith("spark://"):
        return not _is_loopback(urlsplit(beam.beam_endpoint).hostname or "")
    if beam.beam_runner != "flink":
        return False
    try:
        hosts = flink.hosts_of_task_managers(beam.beam_endpoint)
    except ClusterUnusable:
        return False
    return bool(hosts) and not any(map(_is_loopback, hosts))


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1", "[::1]") or host.startswith("127.")


def _listening(name: str, place: str, setting: str) -> Check:
    host, _, port = place.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=5):
            return Check(name, "ok", f"listens at {place}")
    except OSError as error:
        mend = f"Start it, or set {setting} to where it listens."
        return Check(name, "failed", f"nobody listens at {place}: {error}", mend)


def _default_root(settings: Settings) -> str:
    if settings.beam.beam_runner == "dataflow":
        return settings.cluster.kubeflow_pipeline_root
    return str(settings.pipeline_root)


def _of_folder(root: Path, beam: BeamSettings) -> list[Check]:
    if beam.beam_runner == "dataflow":
        found = (
            f"workers of Dataflow see no folder of this machine, and the artifacts are in {root}"
        )
        mend = (
            "Set TENS_INSIGHT_KUBEFLOW_PIPELINE_ROOT=gs://BUCKET/FOLDER, and run the pipelines on "
            "Vertex or Kubeflow (docs/kubeflow.md)."
        )
        return [Check("folder of artifacts", "failed", found, mend)]
    there = next(one for one in (root, *root.parents) if one.exists())
    free = shutil.disk_usage(there).free / 2**30
    return [Check("folder of artifacts", "ok", f"{root}, {free:.0f} GiB free")]


def _of_bucket(root: str, patience_s: float) -> list[Check]:
    """Does in a bucket what runs do there, in a process that can be ended."""
    name, scheme = "bucket of artifacts", root.partition("://")[0]
    if "YOUR-BUCKET" in root:
        mend = "Set TENS_INSIGHT_KUBEFLOW_PIPELINE_ROOT to a folder of a bucket of yours."
        return [Check(name, "failed", f"{root} is an example, no bucket", mend)]
    problem, ended = _probe([f"{root}/{_NAME}{uuid.uuid4().hex}"], patience_s)
    if not ended:
        problem = f"{root} did not answer within {patience_s:.0f} s"
    if not problem:
        found = f"{root} can be written, renamed in, listed, read and removed from here"
        return [Check(name, "ok", found)]
    if "not implemented" in problem:
        found = f"{scheme}:// is no file system that TFX reaches here"
        return [Check(name, "failed", found, _FILE_SYSTEMS)]
    mend = (
        "See that the bucket exists and that this machine reaches it, and give the account of runs "
        "and workers the rights to read, write, list and delete objects there: on Google Cloud "
        "roles/storage.objectAdmin, with GOOGLE_APPLICATION_CREDENTIALS or the machine's service "
        "account."
    )
    return [Check(name, "failed", problem.splitlines()[-1], mend)]


def _of_job(settings: Settings, root: str, patience_s: float) -> list[Check]:
    """Runs a job, and compares what its workers say with what this process is."""
    tasks = settings.beam.beam_parallelism * _TASKS_PER_WORKER
    with _folder_of_probe(root) as folder:
        arguments = beam_arguments(settings.beam, settings.run.beam_pipeline_args)
        problem, ended = _probe([folder, str(tasks), *arguments], patience_s)
        if not ended:
            problem = (
                f"a job of {tasks} tasks did not end within {patience_s:.0f} s: no worker came, or "
                "none can reach the engine"
            )
        elif problem:
            problem = f"a job of {tasks} tasks failed: ...{problem}"
        if problem:
            mend = "See docs/cluster.md, what goes wrong."
            if is_address(root):
                mend += f" Workers need the rights to read and write in {root}."
            return [Check("job", "failed", problem, mend)]
        from pipeline.runners.probe import answer_here, read_answers

        answers, here = read_answers(folder), answer_here(folder)
    what = "bucket" if is_address(root) else "folder"
    if not answers:
        mend = (
            f"Workers must see {root} as this process does: the same address, with the rights of "
            "an account that may read and write there; give it to the pool, to the TaskManagers, "
            "or to the service account of the workers."
            if what == "bucket"
            else f"All hosts of the cluster must see {root} by this path, as the same user: mount "
            "it there, and set TENS_INSIGHT_STATE_DIR to a folder of it."
        )
        found = f"a job ran, but its workers did not see the {what} of the artifacts"
        return [Check(f"shared {what}", "failed", found, mend)]
    processes = sorted({(one.host, one.process) for one in answers})
    hosts = sorted({host for host, _ in processes})
    checks = [
        Check(
            "job",
            "ok",
            f"{len(answers)} tasks by {len(processes)} worker processes on {', '.join(hosts)}",
        ),
        Check(f"shared {what}", "ok", f"workers read and write the {what} of the artifacts"),
    ]
    for name, ours, theirs in (
        ("Python in workers", here.python, {one.python for one in answers}),
        ("Beam in workers", here.beam, {one.beam for one in answers}),
        ("code in workers", here.code, {one.code for one in answers}),
    ):
        others = sorted(theirs - {ours})
        if others:
            found = f"{', '.join(others)}; here {ours}"
            mend = "Make the workers' environment of the same lock and the same commit."
            checks.append(Check(name, "failed", found, mend))
        else:
            checks.append(Check(name, "ok", f"{ours}, as here"))
    found = "workers need none: the run itself reads and publishes"
    if any(one.tells_database for one in answers):
        found += "; their environment names one, which can be taken out of it"
    return [*checks, Check("database in workers", "ok", found)]


def _probe(arguments: Sequence[str], patience_s: float) -> tuple[str, bool]:
    """Runs the probe in a process of its own.

    Returns:
        The end of what it said where it failed, else nothing; whether it ended in time.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.runners.probe", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=variables_of(os.environ, 0),
        start_new_session=True,
        text=True,
    )
    try:
        said = process.communicate(timeout=patience_s)[0]
    except subprocess.TimeoutExpired:
        # With the job server that it started.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return "", False
    return (said.strip()[-_TOLD:] or "it said nothing") if process.returncode else "", True


@contextmanager
def _folder_of_probe(root: str) -> Iterator[str]:
    from pipeline.runners import probe

    folder = f"{root}/{_NAME}{uuid.uuid4().hex}"
    if is_address(root):
        probe.make_folder(folder)
        try:
            yield folder
        finally:
            with suppress(Exception):  # each file system has errors of its own
                probe.remove_folder(folder)
        return
    with private_files():
        Path(folder).mkdir(parents=True)
        (Path(folder) / probe.QUESTION).write_text("{}")
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
