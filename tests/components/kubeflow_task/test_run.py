from concurrent.futures import ThreadPoolExecutor

import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx.types import standard_artifacts

from components.config import as_parameter, read_config
from components.errors import DatabaseUnreachable, RegistryInconsistent
from components.kubeflow_task.record import TaskRecord
from components.kubeflow_task.store import in_store
from components.kubeflow_task.task import ABSENT, Task
from components.model_review.config import ModelReviewConfig
from tests.components.kubeflow_task.tasks import (
    PIPELINE,
    calls,
    custom_properties,
    given,
    read,
    write,
)

Execution = metadata_store_pb2.Execution
Event = metadata_store_pb2.Event


@pytest.fixture(autouse=True)
def _no_calls():
    calls.clear()


def recorded(act):
    return in_store(lambda handle: act(handle.store))


def executions():
    return recorded(lambda store: store.get_executions())


def models():
    return recorded(lambda store: store.get_artifacts_by_type("Model"))


def test_a_task_is_recorded_as_a_local_run_records_it(metadata, tmp_path):
    write(tmp_path, version="v1")
    (execution,) = executions()
    assert execution.last_known_state == Execution.COMPLETE
    assert execution.type == "some.ModelTrainer"
    assert execution.custom_properties["version"].string_value == "v1"
    assert "task" not in execution.custom_properties
    (model,) = models()
    assert model.state == metadata_store_pb2.Artifact.LIVE
    assert model.uri == str(tmp_path / "model")
    assert model.custom_properties["rows"].int_value == 7
    assert model.custom_properties["share"].double_value == 1.0
    contexts = recorded(lambda store: store.get_contexts_by_execution(execution.id))
    assert {one.type: one.name for one in contexts} == {
        "pipeline": PIPELINE,
        "pipeline_run": "run-1",
        "node": f"{PIPELINE}.ModelTrainer",
    }
    (event,) = recorded(lambda store: store.get_events_by_execution_ids([execution.id]))
    assert (event.type, event.path.steps[0].key) == (Event.OUTPUT, "model")


def test_the_executor_knows_the_run_and_its_own_parameters_alone(metadata, tmp_path):
    schema = "package://transforms.schema/schema.pbtxt"
    config = as_parameter(ModelReviewConfig(review_dir="gs://ä", review_accounts=False))
    write(tmp_path, run_id="run-9", config=config, schema_file=schema)
    ((_, properties, run_id),) = calls
    assert run_id == "run-9"
    assert properties.pop("schema_file").endswith("/transforms/schema/schema.pbtxt")
    assert properties == {"config": config}
    assert read_config(ModelReviewConfig, properties).review_accounts is False


def test_an_input_comes_with_its_id_and_its_numbers_as_they_were(metadata, tmp_path):
    model = write(tmp_path, version="v1")
    handed_on = given(standard_artifacts.Model, model.uri, 1 << 61)
    (found,) = read(handed_on)
    assert found.id == models()[0].id
    assert custom_properties(found) | {"tfx_version": ""} == {
        "model_version": "v1",
        "rows": 7,
        "share": 1.0,
        "tfx_version": "",
    }
    reader = executions()[-1]
    (event,) = recorded(lambda store: store.get_events_by_execution_ids([reader.id]))
    assert (event.type, event.artifact_id) == (Event.INPUT, found.id)


def test_an_input_that_stands_for_none_is_none(metadata, tmp_path):
    nothing = given(standard_artifacts.Model, tmp_path, 5)
    nothing.set_json_value_custom_property(ABSENT, 1.0)
    assert read(nothing) is None


def test_an_input_that_was_never_recorded_is_refused(metadata, tmp_path):
    with pytest.raises(RegistryInconsistent, match=f"knows no Model at {tmp_path}"):
        read(given(standard_artifacts.Model, tmp_path, 5))


def test_a_failure_is_recorded_and_a_second_try_is_the_same_execution(metadata, tmp_path):
    with pytest.raises(RuntimeError, match="no"):
        write(tmp_path, fails=1)
    (execution,) = executions()
    assert execution.last_known_state == Execution.FAILED
    assert models() == []
    write(tmp_path)
    (again,) = executions()
    assert (again.id, again.last_known_state) == (execution.id, Execution.COMPLETE)
    assert len(models()) == 1


def test_a_task_that_had_ended_is_not_done_again(metadata, tmp_path):
    first = write(tmp_path, version="v1")
    second = write(tmp_path / "elsewhere", version="v2")
    assert len(calls) == len(executions()) == len(models()) == 1
    assert second.uri == first.uri
    assert custom_properties(second)["model_version"] == "v1"


def test_success_is_recorded_once_also_where_the_answer_of_the_store_was_lost(metadata, tmp_path):
    model = write(tmp_path)
    task = Task(PIPELINE, "ModelTrainer", "some.ModelTrainer", "")
    in_store(lambda handle: TaskRecord(handle, task, "run-1").succeed({"model": [model]}))
    assert len(models()) == 1


def test_another_run_is_another_execution(metadata, tmp_path):
    write(tmp_path / "a", run_id="run-1")
    write(tmp_path / "b", run_id="run-2")
    assert len(calls) == len(executions()) == len(models()) == 2


def test_tasks_that_begin_at_once_in_an_empty_database_are_all_recorded(no_store, tmp_path):
    nodes = [f"Node{number}" for number in range(8)]
    with ThreadPoolExecutor(len(nodes)) as pool:
        list(pool.map(lambda node: write(tmp_path / node, node=node), nodes))
    assert {one.type for one in executions()} == {f"some.{node}" for node in nodes}
    assert {one.last_known_state for one in executions()} == {Execution.COMPLETE}
    assert len(models()) == len(nodes)
    contexts = recorded(lambda store: store.get_contexts())
    assert len(contexts) == 2 + len(nodes)


def test_a_task_without_a_store_says_what_is_missing(tmp_path):
    with pytest.raises(DatabaseUnreachable, match="METADATA_DATABASE_URL is not set in this task"):
        write(tmp_path)
    assert calls == []
