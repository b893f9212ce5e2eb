"""Workers of a pool: processes of their own, which know no database and end with their pool."""

import contextlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import apache_beam as beam
import grpc
import pytest
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc, beam_job_api_pb2

from components.beam_errors import original_error
from components.errors import StateUnusable
from pipeline.runners import boot
from pipeline.runners.arguments import beam_arguments
from pipeline.runners.config import BeamSettings
from pipeline.runners.errors import ClusterUnusable
from pipeline.runners.job_service import JobService, serve_jobs
from pipeline.runners.pool import serve_pool
from pipeline.runners.probe import QUESTION, Ask, read_answers


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A pool and a job service; yields what gives the settings that name them."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret@nowhere/none")
    monkeypatch.setenv("TENS_INSIGHT_KAFKA_PASSWORD", "secret")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    server, pool, port = serve_pool("127.0.0.1:0", 4000, tmp_path / "workers.log")
    jobs, jobs_port = serve_jobs(0)

    def settings(workers):
        return BeamSettings(
            beam_runner="portable",
            beam_endpoint=f"localhost:{jobs_port}",
            beam_worker=f"localhost:{port}",
            beam_parallelism=workers,
        )

    try:
        yield settings
    finally:
        pool.stop()
        server.stop(0)
        jobs.stop()


def looking():
    """Returns a function that Beam pickles by value: workers do not find this file."""

    def listening(process):
        """Yields the addresses on which a process listens, as the kernel writes them."""
        opened = [os.readlink(one) for one in Path(f"/proc/{process}/fd").iterdir()]
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
                _, local, _, state, *rest = line.split()
                if state == "0A" and f"socket:[{rest[5]}]" in opened:
                    yield local.partition(":")[0]

    def look(text, folder):
        """Writes what a worker may do and where its engine listens, then fails as one too late."""
        import resource

        facts = {
            "limit": resource.getrlimit(resource.RLIMIT_DATA)[0],
            "secrets": [name for name, value in os.environ.items() if "secret" in value],
            "parent": os.getppid(),
            "engine": list(listening(os.getppid())),
        }
        Path(folder, "worker.json").write_text(json.dumps(facts))
        raise StateUnusable("The rows are gone. Run again.")

    return look


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_two_workers_share_the_work_and_know_no_database(cluster, tmp_path):
    (tmp_path / QUESTION).write_text("{}")
    with (
        pytest.raises(StateUnusable, match=r"^The rows are gone. Run again.$"),
        original_error(),
        beam.Pipeline(argv=beam_arguments(cluster(workers=2))) as pipeline,
    ):
        _ = (
            pipeline
            | beam.Create(range(12))
            | "SpreadTasks" >> beam.Reshuffle()
            | beam.ParDo(Ask(str(tmp_path)))
            | "AllAnswered" >> beam.Reshuffle()
            | beam.Map(looking(), str(tmp_path))
        )
    answers = read_answers(str(tmp_path))
    assert len(answers) == 12
    assert len({one.process for one in answers}) == 2
    assert os.getpid() not in {one.process for one in answers}
    assert {(one.sees_folder, one.tells_database) for one in answers} == {(True, False)}
    files = list(tmp_path.glob("answer-*.json"))
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    worker = json.loads((tmp_path / "worker.json").read_text())
    loopback = {"0100007F", "0" * 24 + "01000000", "0" * 16 + "FFFF00000100007F"}
    assert len(worker["engine"]) >= 6
    assert set(worker.pop("engine")) <= loopback
    assert worker == {"limit": 4000 * 2**20, "secrets": [], "parent": os.getpid()}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_is_killed_fails_its_job_and_leaves_no_files(cluster, tmp_path):
    def die(number):
        os.kill(os.getpid(), 9)

    with (
        pytest.raises(RuntimeError, match=r"failed in state FAILED(.|\n)*A worker was lost"),
        beam.Pipeline(argv=beam_arguments(cluster(workers=1))) as pipeline,
    ):
        _ = pipeline | beam.Create([1]) | beam.Reshuffle() | beam.Map(die)
    deadline = time.monotonic() + 10
    while list(tmp_path.glob("beam-worker-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(tmp_path.glob("beam-worker-*")) == []


def test_a_job_is_followed_without_a_time_limit():
    """Beam's client sets one for a job that was only prepared, and it then holds to the end."""

    class Refused(Exception):
        pass

    class Context:
        def abort(self, code, text):
            raise Refused(text)

    service = JobService()
    asked = beam_job_api_pb2.GetJobStateRequest(job_id="job-1")
    with pytest.raises(Refused, match="job-1 does not run yet"):
        next(service.GetStateStream(asked, Context()))
    service._begun.add("job-1")
    with pytest.raises(LookupError):  # Beam's own, which knows no such job
        next(service.GetStateStream(asked, Context()))


def test_a_pool_and_a_job_service_cannot_share_their_place(tmp_path):
    server, _, port = serve_pool("127.0.0.1:0", 0, tmp_path / "log")
    try:
        with pytest.raises(ClusterUnusable, match=f"cannot listen on 127.0.0.1:{port}: another"):
            serve_pool(f"127.0.0.1:{port}", 0, None)
        with pytest.raises(ClusterUnusable, match=f"cannot listen on port {port}: another"):
            serve_jobs(port)
    finally:
        server.stop(0)


def test_an_engine_ends_its_own_worker_and_no_other_one_of_that_id(tmp_path, monkeypatch):
    """Two TaskManagers of Flink beside one pool give the same ids."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = tmp_path / "sleeping"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    server, pool, port = serve_pool("127.0.0.1:0", 0, None)
    options = [("grpc.use_local_subchannel_pool", 1)]  # else both engines share a connection
    try:
        with (
            grpc.insecure_channel(f"localhost:{port}", options) as one,
            grpc.insecure_channel(f"localhost:{port}", options) as other,
        ):
            engines = [
                beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub(channel)
                for channel in (one, other)
            ]
            for engine in engines:
                engine.StartWorker(beam_fn_api_pb2.StartWorkerRequest(worker_id="1-1"))
            workers = list(pool._workers.values())
            assert len(workers) == 2
            for _ in range(2):  # the second time there is none of its own
                engines[0].StopWorker(beam_fn_api_pb2.StopWorkerRequest(worker_id="1-1"))
        assert [worker.poll() is None for worker in workers] == [False, True]
    finally:
        pool.stop()
        server.stop(0)


def test_a_log_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(ClusterUnusable, match=r"cannot be written: .*none/log.*--worker-log"):
        serve_pool("127.0.0.1:0", 0, tmp_path / "none" / "log")


def test_an_engine_that_does_not_answer_ends_the_worker(capsys, monkeypatch):
    monkeypatch.setattr(boot, "_PATIENCE_S", 0.2)
    monkeypatch.setattr(boot, "_end_with_parent", lambda parent: None)
    umask = os.umask(0o022)
    try:
        assert boot.main(["--id=1", "--provision_endpoint=localhost:1"]) == 1
        assert "Worker 1 cannot begin: the engine did not answer at localhost:1" in (
            capsys.readouterr().err
        )
        assert boot.main(["--id=1", "--new_option=of-another-version"]) == 1
        assert "named no --provision_endpoint" in capsys.readouterr().err
        monkeypatch.setenv(boot.WORKER_MEMORY, "much")
        assert boot.main(["--id=1", "--provision_endpoint=localhost:1"]) == 1
        assert "BEAM_WORKER_MEMORY_MB is 'much': expected a number" in capsys.readouterr().err
    finally:
        os.umask(umask)


def test_a_worker_ends_when_its_parent_does(monkeypatch):
    ended = []
    monkeypatch.setattr(boot, "_LOOKS_S", 0.01)
    monkeypatch.setattr(boot.os, "_exit", ended.append)
    boot._end_with_parent(os.getppid())
    time.sleep(0.1)
    assert ended == []
    boot._end_with_parent(os.getppid() + 1)
    deadline = time.monotonic() + 10
    with contextlib.suppress(IndexError):
        while not ended and time.monotonic() < deadline:
            time.sleep(0.01)
    assert ended[0] == 1


def test_what_the_engine_says_becomes_the_environment_of_beam(tmp_path):
    from apache_beam.portability.api import beam_provision_api_pb2, endpoints_pb2

    arguments = boot._arguments(["--id=w", "--control_endpoint=c:1", "--logging_endpoint=l:1"])
    info = beam_provision_api_pb2.ProvisionInfo(
        logging_endpoint=endpoints_pb2.ApiServiceDescriptor(url="host:2"),
        runner_capabilities=["beam:one:v1", "beam:two:v1"],
    )
    info.pipeline_options["beam:option:pickle_library:v1"] = "cloudpickle"
    found = boot.environment_of(arguments, info, tmp_path)
    assert found["WORKER_ID"] == "w"
    assert found["LOGGING_API_SERVICE_DESCRIPTOR"] == 'url: "host:2"\n'
    assert found["CONTROL_API_SERVICE_DESCRIPTOR"] == 'url: "c:1"\n'
    assert found["RUNNER_CAPABILITIES"] == "beam:one:v1 beam:two:v1"
    assert json.loads(found["PIPELINE_OPTIONS"]) == {"beam:option:pickle_library:v1": "cloudpickle"}
