"""The compiled specs, against kfp's protos and the golden files beside the tests.

A change of the graph shows in the golden files. `make golden` writes them again.
"""

import json
import os
from pathlib import Path

import pytest
import yaml
from google.auth.credentials import AnonymousCredentials
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.utils import import_utils

from pipeline import scoring, training
from pipeline.kubeflow_runner import compile_specs
from pipeline.kubeflow_specs.runner import cluster_deployment
from pipeline.settings import ConfigurationInvalid, load_settings
from tests.pipeline.kubeflow_specs.normalised import inputs_arguments, normalised

GOLDEN = Path(__file__).parents[1] / "golden"
CANARY = "canary-5d0c2e8f9a17"
SETTINGS = {
    "kubeflow_image": "registry.example.com/tens-insight:1",
    "kubeflow_pipeline_root": "gs://bucket/tens-insight",
    "vertex_database_secret": "projects/p/secrets/database/versions/latest",
    "vertex_metadata_secret": "projects/p/secrets/metadata/versions/7",
}


def compiled(module, folder, **settings):
    """Returns the documents for Kubeflow Pipelines and the job for Vertex."""
    paths = compile_specs(module, load_settings(**{**SETTINGS, **settings}), folder)
    return list(yaml.safe_load_all(paths[0].read_text())), json.loads(paths[1].read_text())


@pytest.fixture(scope="module", params=[training, scoring], ids=["train", "score"])
def case(request, tmp_path_factory):
    """A module, what it compiles to, and the folder of the files."""
    folder = tmp_path_factory.mktemp("compiled")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATABASE_URL", "METADATA_DATABASE_URL"):
            patch.setenv(name, f"postgresql://me:{CANARY}@db.example.com/{name.lower()}")
        documents, job = compiled(request.param, folder)
    return request.param, documents, job, folder


def test_the_spec_is_the_golden_one(case):
    module, documents, _, _ = case
    path = GOLDEN / f"{module.PIPELINE_NAME}.yaml"
    found = normalised(documents)
    if os.environ.get("RENEW_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump_all(found, width=100))
    assert found == list(yaml.safe_load_all(path.read_text()))


def test_the_files_are_what_the_protos_say(case):
    _, (spec, platform), job, _ = case
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    json_format.ParseDict(spec["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig())
    json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
    parsed = json_format.ParseDict(job, pipeline_spec_pb2.PipelineJob())
    assert parsed.runtime_config.gcs_output_directory.startswith("gs://bucket/tens-insight/")
    for name, told in inputs_arguments(spec).items():
        assert told == spec["components"][name]["inputDefinitions"]


@pytest.mark.slow
def test_the_client_of_vertex_takes_the_job(case):
    # Three seconds of CPU, which every process that collects this file would pay.
    from google.cloud import aiplatform

    module, _, _, folder = case
    aiplatform.PipelineJob(
        display_name="a-run",
        template_path=str(folder / f"{module.PIPELINE_NAME}.json"),
        parameter_values={"as_of": "2026-05-01"},
        project="p",
        location="europe-west4",
        credentials=AnonymousCredentials(),
    )


def test_both_platforms_run_the_same_tasks(case):
    _, (spec, _), job, _ = case
    for executor in job["pipelineSpec"]["deploymentSpec"]["executors"].values():
        variables = {one["name"]: one["value"] for one in executor["container"].pop("env")}
        assert variables == {
            "DATABASE_URL_SECRET": SETTINGS["vertex_database_secret"],
            "METADATA_DATABASE_URL_SECRET": SETTINGS["vertex_metadata_secret"],
        }
    assert job["pipelineSpec"] == spec


def test_every_task_gets_the_secrets_and_none_is_in_a_file(case):
    _, (spec, platform), _, folder = case
    mounted = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert set(mounted) == set(spec["deploymentSpec"]["executors"])
    for config in mounted.values():
        (secret,) = config["secretAsEnv"]
        assert secret["secretName"] == "tens-insight"
        assert [one["envVar"] for one in secret["keyToEnv"]] == [
            "DATABASE_URL",
            "METADATA_DATABASE_URL",
        ]
    for path in folder.iterdir():
        assert CANARY not in path.read_text()
        assert "db.example.com" not in path.read_text()


def test_every_path_of_a_class_can_be_imported(case):
    _, (spec, _), _, _ = case
    for task in spec["root"]["dag"]["tasks"].values():
        told = json.loads(task["inputs"]["parameters"]["task"]["runtimeValue"]["constant"])
        assert import_utils.import_class_by_path(told["executor"])
        assert import_utils.import_class_by_path(told["node_type"])
        assert task["inputs"]["parameters"]["run_id"]["runtimeValue"]["constant"] == (
            "{{$.pipeline_job_uuid}}"
        )
    titles = {
        one
        for component in normalised([spec, {}])[0]["components"].values()
        for one in _titles(component)
        if not one.startswith("tfx.")
    }
    assert titles
    for title in titles:
        assert import_utils.import_class_by_path(title).__name__ == title.partition(".")[2]


def _titles(component):
    for kind in ("inputDefinitions", "outputDefinitions"):
        for one in component.get(kind, {}).get("artifacts", {}).values():
            yield one["artifactType"]


def test_nothing_of_this_machine_is_in_a_spec(case):
    _, _, _, folder = case
    for path in folder.iterdir():
        assert str(Path(__file__).parents[3]) not in path.read_text()
        assert str(folder) not in path.read_text()


def test_the_nodes_are_those_of_the_local_run(case):
    module, (spec, _), _, _ = case
    local = {node.id for node in module.create_pipeline(load_settings()).components}
    assert set(spec["root"]["dag"]["tasks"]) == local


def test_as_of_is_a_parameter_of_the_run_with_the_settings_for_its_default(tmp_path):
    (spec, _), _ = compiled(scoring, tmp_path, as_of="2026-05-01")
    declared = spec["root"]["inputDefinitions"]["parameters"]["as_of"]
    assert declared["isOptional"]
    assert declared["defaultValue"] == "2026-05-01T00:00:00+00:00"
    reader = spec["root"]["dag"]["tasks"]["FeedbackExampleGen"]["inputs"]["parameters"]
    assert reader["as_of"] == {"componentInputParameter": "as_of"}


def test_the_settings_reach_every_container(tmp_path):
    (spec, platform), _ = compiled(
        scoring,
        tmp_path,
        kubeflow_cpu=3,
        kubeflow_memory_gb=5.5,
        kubeflow_secret="databases",
        kubeflow_metadata_key="ml.url",
        kubeflow_volume_claim="models",
        beam_pipeline_args=("--runner=DataflowRunner", "--project=p"),
    )
    executors = spec["deploymentSpec"]["executors"]
    for label, executor in executors.items():
        container = executor["container"]
        assert container["image"] == "registry.example.com/tens-insight:1"
        assert container["resources"] == {"cpuLimit": 3.0, "memoryLimit": 5.5}
        config = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][label]
        assert config["secretAsEnv"][0]["secretName"] == "databases"
        assert config["secretAsEnv"][0]["keyToEnv"][1]["secretKey"] == "ml.url"
        assert config["pvcMount"] == [{"constant": "models", "mountPath": "/mnt/tens-insight"}]
    scorer = executors["AccountScorer_executor"]["container"]["args"]
    assert scorer[-2:] == ["--runner=DataflowRunner", "--project=p"]
    assert scorer[1] == "components.kubeflow_task.executor.BeamExecutor"


def test_what_ml_metadata_cannot_record_is_refused(tmp_path):
    with pytest.raises(ConfigurationInvalid, match="config of node ProductAreaScorer"):
        compiled(scoring, tmp_path, enterprise_segments=('"big"',))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vertex_database_secret", "postgresql://me:hunter2@host/db"),
        ("kubeflow_secret", "postgresql://me:hunter2@host/db"),
        ("kubeflow_pipeline_root", "s3://key:secret@bucket/root"),
        ("kubeflow_image", "image with spaces"),
        ("kubeflow_volume_path", "relative"),
    ],
)
def test_an_address_in_place_of_a_name_is_refused(name, value):
    with pytest.raises(ConfigurationInvalid, match=name):
        load_settings(**{name: value})


def test_models_are_served_from_under_the_pipeline_root_unless_told():
    told = load_settings(kubeflow_serving_dir="/mnt/tens-insight/serving/")
    assert cluster_deployment(told).serving_dir == "/mnt/tens-insight/serving"
    given = load_settings(kubeflow_pipeline_root="gs://bucket/root/")
    assert cluster_deployment(given).serving_dir == "gs://bucket/root/serving/churn"
