"""Settings become arguments that Beam itself accepts; what does not fit is refused by name."""

import json

import pydantic
import pytest
from apache_beam.options import pipeline_options as beam
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner

from pipeline.runners.arguments import LOCAL_BEAM_ARGS, beam_arguments
from pipeline.runners.config import BeamSettings
from pipeline.settings import ConfigurationInvalid, default_settings, load_settings

FLINK = {"beam_runner": "flink", "beam_endpoint": "flink.example.com:8081"}
DATAFLOW = {
    "beam_runner": "dataflow",
    "dataflow_project": "project-1",
    "dataflow_region": "europe-west4",
    "dataflow_temp_location": "gs://bucket/tmp",
    "beam_worker": "registry.example.com/tens-insight:1",
}


def options_of(raw=(), **settings):
    return beam.PipelineOptions(beam_arguments(BeamSettings(**settings), raw))


def test_without_a_runner_all_is_as_it_was():
    assert beam_arguments(default_settings().beam) == list(LOCAL_BEAM_ARGS)
    assert beam_arguments(BeamSettings(), ("--runner=Elsewhere",)) == ["--runner=Elsewhere"]


def test_flink_gets_its_cluster_and_a_pool():
    options = options_of(**FLINK, beam_parallelism=3, beam_job_server_jar="/jars/server.jar")
    flink = options.view_as(beam.FlinkRunnerOptions)
    assert flink.flink_master == "flink.example.com:8081"
    assert flink.flink_version == "1.18"
    assert flink.flink_job_server_jar == "/jars/server.jar"
    portable = options.view_as(beam.PortableOptions)
    assert portable.environment_type == "EXTERNAL"
    assert portable.environment_config == "localhost:50000"
    assert options.view_as(beam.StandardOptions).runner == "FlinkRunner"
    assert options.view_as(beam.SetupOptions).pickle_library == "cloudpickle"
    assert "--parallelism=3" in beam_arguments(BeamSettings(**FLINK, beam_parallelism=3))


def test_a_process_of_the_engine_is_told_its_memory_and_no_address():
    options = options_of(
        **FLINK,
        beam_environment="process",
        beam_worker="/opt/tens-insight/worker.sh",
        beam_worker_memory_mb=3000,
    )
    portable = options.view_as(beam.PortableOptions)
    assert portable.environment_type == "PROCESS"
    assert json.loads(portable.environment_config) == {
        "command": "/opt/tens-insight/worker.sh",
        "env": {"BEAM_WORKER_MEMORY_MB": "3000"},
    }


def test_spark_and_a_job_service_get_their_addresses():
    spark = options_of(beam_runner="spark", beam_endpoint="spark://master:7077")
    assert spark.view_as(beam.SparkRunnerOptions).spark_master_url == "spark://master:7077"
    within = {"beam_runner": "spark", "beam_endpoint": "local[3]", "beam_parallelism": 3}
    assert "--sdk_worker_parallelism=3" in beam_arguments(BeamSettings(**within))
    portable = options_of(beam_runner="portable", beam_endpoint="localhost:8099")
    assert portable.view_as(beam.PortableOptions).job_endpoint == "localhost:8099"
    assert portable.view_as(beam.DirectOptions).direct_num_workers == 2


def test_beam_accepts_the_options_of_dataflow(monkeypatch):
    # It asks the cloud about the bucket, only to warn.
    asked = "_warn_if_soft_delete_policy_enabled"
    monkeypatch.setattr(beam.GoogleCloudOptions, asked, lambda self, name: None)
    options = options_of(**DATAFLOW, beam_parallelism=5, beam_worker_memory_mb=6000)
    assert PipelineOptionsValidator(options, DataflowRunner()).validate() == []
    assert options.view_as(beam.WorkerOptions).max_num_workers == 5
    assert options.view_as(beam.WorkerOptions).sdk_container_image == DATAFLOW["beam_worker"]
    assert options.view_as(beam.StandardOptions).resource_hints == ["min_ram=6000MiB"]


def test_what_a_user_writes_wins():
    raw = ("--flink_version=1.17", "--experiments=use_deprecated_read")
    arguments = beam_arguments(BeamSettings(**FLINK), raw)
    assert [one for one in arguments if one.startswith("--flink_version")] == [raw[0]]
    assert arguments[-1] == raw[1]
    assert "--flink_master=flink.example.com:8081" in arguments


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"beam_runner": "flink"}, "beam_runner is flink: beam_endpoint must be HOST:PORT of"),
        ({**FLINK, "beam_endpoint": "host"}, "beam_endpoint must be HOST:PORT"),
        ({**FLINK, "beam_endpoint": "host:0"}, "beam_endpoint must be HOST:PORT"),
        ({"beam_runner": "portable", "beam_endpoint": "http://h:1"}, "HOST:PORT of a job service"),
        ({"beam_runner": "spark", "beam_endpoint": "h:7077"}, "must be spark://HOST:PORT"),
        ({"beam_runner": "spark", "beam_endpoint": "local[0]"}, "or local[N] for Spark"),
        ({"beam_endpoint": "h:1"}, "beam_endpoint is 'h:1', but beam_runner is local"),
        ({**FLINK, "beam_worker": "nowhere"}, "'nowhere': expected HOST:PORT of a pool"),
        ({**FLINK, "beam_environment": "process"}, "the absolute path of the worker's program"),
        ({**FLINK, "beam_environment": "docker"}, "expected the container image of the workers"),
        ({"beam_runner": "dataflow"}, "dataflow_project, dataflow_region, dataflow_temp_location"),
        ({**DATAFLOW, "dataflow_temp_location": "/tmp"}, "expected a folder of a bucket, gs://"),
    ],
)
def test_what_does_not_go_together_is_refused(settings, said):
    with pytest.raises(pydantic.ValidationError) as refused:
        BeamSettings(**settings)
    assert said in str(refused.value)


def test_the_environment_names_the_runner(monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_BEAM_RUNNER", "flink")
    with pytest.raises(ConfigurationInvalid, match="Settings do not go together: beam_runner is"):
        load_settings()
    monkeypatch.setenv("TENS_INSIGHT_BEAM_ENDPOINT", "localhost:8081")
    settings = load_settings()
    assert settings.beam.beam_endpoint == "localhost:8081"
    assert not {name for name in settings.portable() if name.startswith(("beam", "dataflow"))}
