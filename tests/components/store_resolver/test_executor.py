"""The champion, as a task resolves it: by the rule, the strategy and the store of local runs."""

import time
from contextlib import closing

import psycopg2
import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.base import base_executor
from tfx.types import channel, standard_artifacts

from components.errors import OtherDatabase
from components.kubeflow_task.run import run_task
from components.kubeflow_task.store import in_store
from components.kubeflow_task.task import ABSENT, Task
from components.registry.artifact_names import EXAMPLES
from components.registry.model_properties import ModelProperties
from components.registry.stages import WITHDRAW, StageTransition
from components.registry.strategy import ChampionStrategy
from components.registry.transitions import append_transition
from components.store_resolver.component import StoreResolver
from components.store_resolver.executor import Executor
from components.store_resolver.query import Query
from tests.components.kubeflow_task.tasks import PIPELINE, given, write

Event = metadata_store_pb2.Event


class Gate(base_executor.BaseExecutor):
    """Blesses the model that it is given, or not."""

    def Do(self, input_dict, output_dict, exec_properties):  # noqa: N802 - TFX calls it so
        (blessing,) = output_dict["blessing"]
        blessing.set_int_custom_property("blessed", exec_properties["blessed"])
        blessing.set_int_custom_property("current_model_id", input_dict["model"][0].id)


def judge(model, run_id, blessed=1, node="ModelGate"):
    task = Task(PIPELINE, node, f"some.{node}", f"{__name__}.Gate")
    outputs = {"blessing": [given(standard_artifacts.ModelBlessing, f"{model.uri}-{node}", 7)]}
    parameters = {"blessed": blessed, "task": task.as_json(), "run_id": run_id}
    context = base_executor.BaseExecutor.Context()
    run_task(context, {"model": [given(type(model), model.uri, 9)]}, outputs, parameters)


def trained(folder, run_id, blessed=1):
    model = write(folder / run_id, run_id=run_id, version=run_id)
    judge(model, run_id, blessed)
    return model


def resolver(pipeline=""):
    def output_of(kind, node, key):
        if pipeline:
            return channel.ExternalPipelineChannel(
                kind, owner="", pipeline_name=pipeline, producer_component_id=node, output_key=key
            )
        return channel.Channel(type=kind, producer_component_id=node, output_key=key)

    return StoreResolver(
        strategy_class=ChampionStrategy,
        model=output_of(standard_artifacts.Model, "ModelTrainer", "model"),
        model_blessing=output_of(standard_artifacts.ModelBlessing, "ModelGate", "blessing"),
    )


def resolve(run_id, folder, asking=PIPELINE, named=""):
    """Returns the model and the blessing, as the cluster gets them."""
    outputs = {
        "model": [given(standard_artifacts.Model, folder / "model", 11)],
        "model_blessing": [given(standard_artifacts.ModelBlessing, folder / "blessing", 12)],
    }
    task = Task(asking, "Champion", "tfx.dsl.components.common.resolver.Resolver", "")
    told = {**resolver(named).exec_properties, "task": task.as_json(), "run_id": run_id}
    Executor(base_executor.BaseExecutor.Context()).Do({}, outputs, told)
    return outputs["model"][0], outputs["model_blessing"][0]


def withdraw(version):
    now = time.time_ns() // 1_000_000
    in_store(
        lambda handle: append_transition(handle.store, StageTransition(1, WITHDRAW, version, now))
    )


def test_where_there_is_no_champion_both_outputs_stand_for_none(metadata, tmp_path):
    for artifact in resolve("run-1", tmp_path):
        assert artifact.get_int_custom_property(ABSENT) == 1


def test_an_unblessed_model_is_no_champion(metadata, tmp_path):
    trained(tmp_path, "run-1", blessed=0)
    assert resolve("run-1", tmp_path)[0].has_custom_property(ABSENT)


def test_the_newest_blessed_one_is_passed_on_with_its_place_and_properties(metadata, tmp_path):
    trained(tmp_path, "run-1")
    newest = trained(tmp_path, "run-2")
    trained(tmp_path, "run-3", blessed=0)
    model, blessing = resolve("run-4", tmp_path)
    assert model.uri == newest.uri
    assert ModelProperties.read(model).model_version == "run-2"
    assert blessing.get_int_custom_property("blessed") == 1


def test_the_blessing_of_another_node_does_not_count(metadata, tmp_path):
    model = write(tmp_path, run_id="run-1")
    judge(model, "run-1", blessed=1, node="Evaluator")
    assert resolve("run-2", tmp_path)[0].has_custom_property(ABSENT)


def test_another_output_of_the_node_does_not_count(metadata, tmp_path):
    write(tmp_path, run_id="run-1")

    def found(output):
        query = Query("", "ModelTrainer", output)
        kind = standard_artifacts.Model
        return in_store(lambda handle: query.live_artifacts(handle.store, PIPELINE, kind))

    assert len(found("model")) == 1
    assert found("best_model") == []


def test_another_pipeline_finds_it_by_the_name_of_this_one(metadata, tmp_path):
    champion = trained(tmp_path, "run-1")
    assert resolve("score-1", tmp_path, asking="daily", named=PIPELINE)[0].uri == champion.uri
    assert resolve("score-2", tmp_path, asking="daily")[0].has_custom_property(ABSENT)


def test_what_people_decided_counts(metadata, tmp_path):
    first = trained(tmp_path, "run-1")
    trained(tmp_path, "run-2")
    withdraw("run-2")
    assert resolve("run-3", tmp_path)[0].uri == first.uri


def test_it_is_recorded_as_a_resolver_is_and_adds_no_model(metadata, tmp_path):
    trained(tmp_path, "run-1")
    resolve("run-1", tmp_path)

    def events(handle):
        (execution,) = handle.store.get_executions_by_type(
            "tfx.dsl.components.common.resolver.Resolver"
        )
        found = handle.store.get_events_by_execution_ids([execution.id])
        return {(one.path.steps[0].key, one.type) for one in found}

    assert in_store(events) == {
        ("model", Event.INTERNAL_OUTPUT),
        ("model_blessing", Event.INTERNAL_OUTPUT),
    }
    assert len(in_store(lambda handle: handle.store.get_artifacts_by_type("Model"))) == 1


@pytest.mark.parametrize("found", [True, False])
def test_a_second_try_finds_what_the_first_one_found(metadata, tmp_path, found):
    if found:
        trained(tmp_path, "run-1")
    first = resolve("run-2", tmp_path)[0]
    trained(tmp_path, "run-3")
    again = resolve("run-2", tmp_path)[0]
    assert again.uri == first.uri
    assert again.has_custom_property(ABSENT) == first.has_custom_property(ABSENT) == (not found)


def test_a_store_of_another_database_is_refused_and_one_without_runs_is_bound(
    metadata, migrated_database, tmp_path
):
    trained(tmp_path, "run-1")
    resolve("run-1", tmp_path)
    examples = given(standard_artifacts.Examples, tmp_path / "examples", 5).mlmd_artifact
    examples.ClearField("id")

    def read(handle):
        kind = metadata_store_pb2.ArtifactType(name=EXAMPLES)
        examples.type_id = handle.store.put_artifact_type(kind)
        handle.store.put_artifacts([examples])

    in_store(read)
    assert resolve("run-2", tmp_path)[0].uri
    with closing(psycopg2.connect(migrated_database)) as connection, connection:
        cursor = connection.cursor()
        cursor.execute("UPDATE tens_insight.database_identity SET id = gen_random_uuid()")
    with pytest.raises(OtherDatabase, match="METADATA_DATABASE_URL belong to the database"):
        resolve("run-3", tmp_path)
