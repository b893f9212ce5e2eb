"""A cluster on this machine is there when start returns, and gone when stop does."""

import os

import pytest
from click.testing import CliRunner

from pipeline.commands.cluster import command
from pipeline.runners import flink, local_cluster, processes
from pipeline.runners.errors import ClusterUnusable
from pipeline.runners.local_cluster import Wanted, running_cluster, start_cluster, stop_cluster
from pipeline.settings import load_settings

FLINK_HOME = os.environ.get("FLINK_HOME", "")


def test_a_part_that_does_not_start_leaves_nothing_running(tmp_path, monkeypatch):
    ended = []
    monkeypatch.setattr(processes, "stop", ended.append)
    monkeypatch.setattr(local_cluster, "_start_pools", lambda *parts: {})
    with pytest.raises(ClusterUnusable, match="no flink-dist"):
        start_cluster(tmp_path / "cluster", Wanted("flink", flink_home=str(tmp_path)))
    assert ended == [[]]
    assert running_cluster(tmp_path / "cluster") == ([], {})


def test_a_cluster_for_spark_is_a_pool_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(local_cluster, "_start_pools", lambda *parts: {"beam_worker": "h:1"})
    named = start_cluster(tmp_path / "cluster", Wanted("spark", workers=3))
    assert running_cluster(tmp_path / "cluster") == ([], named)
    settings = load_settings(**named, state_dir=tmp_path)
    assert (settings.beam.beam_endpoint, settings.beam.beam_parallelism) == ("local[3]", 3)


def test_hosts_are_for_flink_alone():
    done = CliRunner().invoke(command, ["start", "--engine", "portable", "--hosts"])
    assert "--hosts is for --engine flink" in done.output
    assert done.exit_code == 2


def test_a_second_cluster_is_refused(tmp_path):
    own = processes.Background("JobManager", os.getpid(), processes._born(os.getpid()))
    processes.write(tmp_path / "cluster.json", [own], {})
    with pytest.raises(ClusterUnusable, match=r"runs already \(JobManager; .*cluster stop"):
        start_cluster(tmp_path, Wanted("portable"))


def test_the_configuration_listens_on_the_loopback_interface_alone(tmp_path):
    memory = flink.Memory(job_manager=300, task_heap=500, network=700)
    flink.write_configuration(tmp_path, rest_port=1, rpc_port=2, slots=3, memory=memory)
    lines = (tmp_path / "flink-conf.yaml").read_text().splitlines()
    settings = dict(line.split(": ", 1) for line in lines)
    hosts = {text for name, text in settings.items() if name.endswith(("address", "host"))}
    assert hosts == {"127.0.0.1"}
    assert settings["taskmanager.memory.task.heap.size"] == "372m"
    assert settings["taskmanager.numberOfTaskSlots"] == "3"
    home = flink.FlinkHome(tmp_path, "1.18")
    manager = flink.task_manager_command("java", home, tmp_path, memory, "TaskManager-0")
    assert {"-Dtaskmanager.host=127.0.0.1", "-Dtaskmanager.bind-host=127.0.0.1"} <= set(manager)
    assert "-Xmx500m" in manager
    outside = ("framework.off-heap.size", "task.off-heap.size", "network.max")
    sizes = [int(settings[f"taskmanager.memory.{one}"].removesuffix("m")) for one in outside]
    assert f"-XX:MaxDirectMemorySize={sum(sizes)}m" in manager
    assert sizes[-1] == 700
    assert manager[-1] == "-Dtaskmanager.resource-id=TaskManager-0"


@pytest.mark.slow
@pytest.mark.skipif(not FLINK_HOME, reason="FLINK_HOME names no Flink (requirements/flink.sh)")
def test_two_task_managers_of_flink_offer_their_slots(tmp_path):
    folder = tmp_path / "cluster"
    named = start_cluster(folder, Wanted("flink", flink_home=FLINK_HOME))
    try:
        overview = flink.overview(named["beam_endpoint"])
        assert (overview["taskmanagers"], overview["slots-total"]) == (2, 2)
        started = running_cluster(folder)[0]
        assert all(one.alive for one in started)
    finally:
        stopped = stop_cluster(folder)
    assert stopped == ["TaskManager-1", "TaskManager-0", "JobManager", "worker pool"]
    assert not any(one.alive for one in started)
