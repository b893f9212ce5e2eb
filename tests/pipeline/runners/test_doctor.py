"""What the doctor finds wrong, and that it then starts no job."""

import http.server
import json
import socket
import threading
import zipfile
from contextlib import contextmanager

import apache_beam
import pytest
from click.testing import CliRunner

from pipeline.commands.cluster import command
from pipeline.runners import doctor, flink, probe
from pipeline.runners.doctor import examine
from pipeline.runners.errors import ClusterUnusable
from pipeline.settings import load_settings

OVERVIEW = {"taskmanagers": 2, "slots-total": 2, "slots-available": 1, "flink-version": "1.18.1"}


@contextmanager
def answering(content, task_manager="127.0.0.1"):
    """A server that answers every question but one for TaskManagers so; yields its address."""
    path = f"pekko.tcp://flink@{task_manager}:6122/user/rpc/taskmanager_0"
    managers = json.dumps({"taskmanagers": [{"path": path}]}).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802 -- as the server calls it
            self.send_response(200)
            self.end_headers()
            self.wfile.write(managers if self.path == "/taskmanagers" else content)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def java(tmp_path, monkeypatch):
    """A program on PATH that says which Java it is; returns what sets the version."""

    def be(version):
        path = tmp_path / "java"
        path.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025' >&2\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        monkeypatch.delenv("JAVA_HOME", raising=False)

    be("17.0.15")
    return be


def jar_of(tmp_path, version):
    path = tmp_path / "server.jar"
    with zipfile.ZipFile(path, "w") as jar:
        jar.writestr("org/apache/beam/sdk/sdk.properties", f"# SDK\nversion={version}\n")
    return str(path)


def found(tmp_path, endpoint, **settings):
    """What is found of a Flink cluster without a pool of workers, by name."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        named = {
            "beam_runner": "flink",
            "beam_endpoint": endpoint,
            "beam_worker": f"localhost:{taken.getsockname()[1]}",
            "state_dir": tmp_path / "state",
        }
        (tmp_path / "state").mkdir(exist_ok=True)
        return {one.name: one for one in examine(load_settings(**named | settings), 5)}


def test_a_cluster_without_workers_is_told_and_gets_no_job(tmp_path, java):
    jar = jar_of(tmp_path, apache_beam.__version__)
    with answering(json.dumps(OVERVIEW).encode()) as endpoint:
        checks = found(tmp_path, endpoint, beam_job_server_jar=jar)
    well = ("Java", "job server", "Flink", "TaskManagers", "folder of artifacts")
    assert [checks[name].state for name in well] == ["ok"] * 5
    assert checks["TaskManagers"].found == "2 with 2 slots, of which 1 are free"
    assert checks["worker pool"].state == "failed"
    assert "`tens-insight cluster pool --listen localhost:" in checks["worker pool"].mend
    assert checks["job"].state == "not checked"


@pytest.mark.parametrize(
    ("overview", "settings", "name", "said"),
    [
        ({}, {"beam_parallelism": 4}, "TaskManagers", "TENS_INSIGHT_BEAM_PARALLELISM to 2"),
        ({"flink-version": "2.0.0"}, {}, "Flink", "runs on Flink 1."),
        ({}, {"beam_flink_version": "1.17"}, "Flink", "TENS_INSIGHT_BEAM_FLINK_VERSION=1.18"),
    ],
)
def test_what_does_not_fit_flink_is_told(tmp_path, java, overview, settings, name, said):
    with answering(json.dumps(OVERVIEW | overview).encode()) as endpoint:
        check = found(tmp_path, endpoint, **settings)[name]
    assert check.state == "failed"
    assert said in check.mend


@pytest.mark.parametrize(("host", "state"), [("10.0.0.7", "not checked"), ("[::1]", "failed")])
def test_a_pool_of_other_hosts_is_not_looked_for_here(tmp_path, java, host, state):
    with answering(json.dumps(OVERVIEW).encode(), host) as endpoint:
        assert found(tmp_path, endpoint)["worker pool"].state == state


def test_a_wrong_java_and_a_wrong_job_server_are_told(tmp_path, java):
    java("21.0.1")
    checks = found(tmp_path, "localhost:1", beam_job_server_jar=jar_of(tmp_path, "2.1.0"))
    assert checks["Java"].state == "failed"
    assert "is Java 21" in checks["Java"].found
    assert f"is of Beam 2.1.0, the SDK here is {apache_beam.__version__}" in (
        checks["job server"].found
    )
    assert f"job-server:{apache_beam.__version__} from Maven Central" in checks["job server"].mend
    assert checks["Flink"].state == "failed"
    assert "does not answer at localhost:1" in checks["Flink"].found
    (tmp_path / "server.jar").write_text("no archive")
    checks = found(tmp_path, "localhost:1", beam_job_server_jar=str(tmp_path / "server.jar"))
    assert "is no job server" in checks["job server"].found


def bucket_checks(monkeypatch, tmp_path, root, *, workers_see=True, ended=True, **settings):
    """What the doctor finds of a bucket where the rest is well, by name; the job runs in here."""

    def probed(arguments, patience_s):
        if not ended:
            return "", False
        folder, *job = arguments
        if not job:
            return probe.try_folder(folder), True
        if workers_see:
            for number in range(int(job[0])):
                list(probe.Ask(folder).process(number))
        return "", True

    monkeypatch.setattr(doctor, "_probe", probed)
    monkeypatch.setattr(probe, "_PAUSE_S", 0)
    with socket.create_server(("127.0.0.1", 0)) as there:
        place = f"localhost:{there.getsockname()[1]}"
        named = {"beam_runner": "portable", "beam_endpoint": place, "beam_worker": place}
        checks = examine(load_settings(**named | settings, state_dir=tmp_path), 5, root)
    return {one.name: one for one in checks}


def test_workers_that_read_and_write_a_bucket_are_well(monkeypatch, tmp_path):
    """file:// goes the way of an address of a bucket: through TensorFlow's file systems."""
    root = f"file://{tmp_path}/bucket"
    checks = bucket_checks(monkeypatch, tmp_path, f"{root}/")
    assert {one.state for one in checks.values()} == {"ok"}
    assert checks["bucket of artifacts"].found.startswith(f"{root} can be written, renamed in")
    assert checks["job"].found.startswith("16 tasks by 1 worker processes")
    assert checks["shared bucket"].found == "workers read and write the bucket of the artifacts"
    assert list((tmp_path / "bucket").iterdir()) == []


def test_workers_that_do_not_see_the_bucket_are_told(monkeypatch, tmp_path):
    checks = bucket_checks(monkeypatch, tmp_path, "ram://bucket", workers_see=False)
    assert checks["shared bucket"].state == "failed"
    assert "Workers must see ram://bucket as this process does" in checks["shared bucket"].mend


@pytest.mark.parametrize(
    ("root", "ended", "found", "mend"),
    [
        ("minio://bucket/here", True, "minio:// is no file system that TFX", "S3_ENDPOINT"),
        ("gs://YOUR-BUCKET/here", True, "is an example", "TENS_INSIGHT_KUBEFLOW_PIPELINE_ROOT"),
        ("gs://bucket/here", False, "did not answer within 5 s", "storage.objectAdmin"),
        ("file:///proc/here", True, "file:///proc/here/doctor-", "storage.objectAdmin"),
    ],
)
def test_a_bucket_that_cannot_be_used_gets_no_job(monkeypatch, tmp_path, root, ended, found, mend):
    checks = bucket_checks(monkeypatch, tmp_path, root, ended=ended)
    bucket = checks["bucket of artifacts"]
    assert bucket.state == "failed"
    assert found in bucket.found
    assert mend in bucket.mend
    assert checks["job"].state == "not checked"


def test_dataflow_is_looked_at_with_the_bucket_of_kubeflow(monkeypatch, tmp_path):
    settings = {
        "beam_runner": "dataflow",
        "beam_endpoint": "",
        "beam_worker": "image:1",
        "dataflow_project": "project",
        "dataflow_region": "region",
        "dataflow_temp_location": "gs://bucket/tmp",
    }
    checks = bucket_checks(monkeypatch, tmp_path, "", **settings)
    assert "gs://YOUR-BUCKET/tens-insight is an example" in checks["bucket of artifacts"].found
    checks = bucket_checks(monkeypatch, tmp_path, str(tmp_path), **settings)
    assert "see no folder of this machine" in checks["folder of artifacts"].found


def test_what_is_no_flink_is_told():
    with answering(b"<html>") as endpoint, pytest.raises(ClusterUnusable, match="does not answer"):
        flink.overview(endpoint)
    with (
        answering(b'{"slots-total": 2}') as endpoint,
        pytest.raises(ClusterUnusable, match="no REST server of Fl"),
    ):
        flink.overview(endpoint)


def test_the_local_runner_needs_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    done = CliRunner().invoke(command, ["doctor", "--json"])
    assert json.loads(done.output)["well"]
    assert "in the process of the run" in done.output
    assert list(tmp_path.iterdir()) == []


def test_no_flink_and_no_java_are_told(tmp_path, monkeypatch, java):
    with pytest.raises(ClusterUnusable, match=r"no flink-dist-VERSION.jar.*requirements/flink.sh"):
        flink.find_flink(str(tmp_path))
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "flink-dist-1.18.1.jar").touch()
    assert flink.find_flink(str(tmp_path)).version == "1.18"
    assert flink.find_java() == (str(tmp_path / "java"), 17)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "none"))
    with pytest.raises(ClusterUnusable, match="none/bin/java does not run"):
        flink.find_java()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(ClusterUnusable, match="Java was not found"):
        flink.find_java()
