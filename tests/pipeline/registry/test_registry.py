"""Models, decisions and transitions, as real stores of ML Metadata have them."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.errors import (
    DatabaseUnreachable,
    RegistryInconsistent,
    TransitionRefused,
    UnknownModel,
)
from components.registry.judged import GATE_NODE
from components.registry.stages import PIN, PROMOTE, UNPIN, WITHDRAW, StageTransition
from components.registry.transitions import (
    NumberTaken,
    TransitionProperties,
    append_transition,
    read_transitions,
)
from pipeline.registry.change_stage import actor, decide
from pipeline.registry.listing import list_models
from pipeline.registry.registry import Registry

TEXT = "drift in 'APAC', ünïcode, 5%5C \\'); DROP TABLE artifact; -- \n \\"
OLD, NEW, REFUSED = "20260501-aaaaaaaa", "20260601-bbbbbbbb", "20260602-cccccccc"


@pytest.fixture
def stocked(shelf: Any) -> Any:
    """Two blessed models and one that was not, in this order."""
    shelf.train(OLD, blessed=True)
    shelf.train(NEW, blessed=True)
    shelf.train(REFUSED, blessed=False)
    return shelf


def champion(shelf: Any) -> str | None:
    found = shelf.registry.champion()
    return found.properties.model_version if found else None


def test_the_newest_blessed_is_champion(stocked: Any) -> None:
    assert champion(stocked) == NEW
    assert [row.gate for row in list_models(stocked.registry, None)] == [
        "not blessed",
        "blessed",
        "blessed",
    ]


def test_withdrawing_the_champion_makes_the_previous_one_champion(stocked: Any) -> None:
    outcome = decide(stocked.registry, WITHDRAW, NEW, "it ranks badly in EU")
    assert (outcome.before, outcome.after) == (NEW, OLD)
    assert champion(stocked) == OLD
    decide(stocked.registry, WITHDRAW, OLD, "so does this one")
    assert champion(stocked) is None
    assert [row.withdrawn for row in list_models(stocked.registry, None)] == [False, True, True]


def test_promoting_lifts_a_withdrawal_and_lasts_until_a_newer_model_is_blessed(
    stocked: Any,
) -> None:
    decide(stocked.registry, WITHDRAW, OLD, "by mistake")
    decide(stocked.registry, PROMOTE, OLD, "it was right")
    assert champion(stocked) == OLD
    stocked.train("20260701-dddddddd", blessed=False)
    assert champion(stocked) == OLD
    stocked.train("20260702-eeeeeeee", blessed=True)
    assert champion(stocked) == "20260702-eeeeeeee"


def test_a_pin_outlasts_newer_blessings_until_it_is_ended(stocked: Any) -> None:
    decide(stocked.registry, PIN, OLD, "audit")
    stocked.train("20260701-dddddddd", blessed=True)
    assert champion(stocked) == OLD
    outcome = decide(stocked.registry, PROMOTE, NEW)
    assert (outcome.after, outcome.pinned) == (OLD, OLD)
    with pytest.raises(TransitionRefused, match="Unpin it first"):
        decide(stocked.registry, WITHDRAW, OLD, "why")
    ended = decide(stocked.registry, UNPIN, reason="audit is over")
    assert (ended.transition.version, ended.after) == (OLD, NEW)


def test_a_refused_act_leaves_no_trace(stocked: Any) -> None:
    for kind in (PROMOTE, PIN):
        with pytest.raises(TransitionRefused, match="was not blessed"):
            decide(stocked.registry, kind, REFUSED)
    with pytest.raises(UnknownModel, match=f"Did you mean {NEW}"):
        decide(stocked.registry, WITHDRAW, f"{NEW[:-1]}x", "why")
    assert stocked.registry.transitions() == []


def test_an_act_is_recorded_with_time_user_and_reason(stocked: Any) -> None:
    transition = decide(stocked.registry, WITHDRAW, NEW, f"  {TEXT}\n").transition
    (recorded,) = Registry(stocked.path).transitions()
    assert recorded == transition
    assert recorded == StageTransition(1, WITHDRAW, NEW, transition.at, actor(), TEXT)
    (artifact,) = stocked.store.get_artifacts_by_type(TransitionProperties.TYPE_NAME)
    assert abs(artifact.create_time_since_epoch - transition.at) < 5_000
    assert "@" in transition.by


def test_acts_are_only_ever_added(stocked: Any) -> None:
    decide(stocked.registry, WITHDRAW, NEW, "first")
    before = [
        one.SerializeToString(deterministic=True)
        for one in stocked.store.get_artifacts_by_type(TransitionProperties.TYPE_NAME)
    ]
    decide(stocked.registry, PROMOTE, NEW, "second")
    decide(stocked.registry, PIN, NEW, "third")
    after = [
        one.SerializeToString(deterministic=True)
        for one in stocked.store.get_artifacts_by_type(TransitionProperties.TYPE_NAME)
    ]
    assert set(before) < set(after)
    assert [transition.number for transition in stocked.registry.transitions()] == [1, 2, 3]
    with pytest.raises(NumberTaken):
        append_transition(stocked.store, StageTransition(2, UNPIN, NEW, 5))
    assert [transition.reason for transition in read_transitions(stocked.store)] == [
        "first",
        "second",
        "third",
    ]


def test_of_two_who_decide_at_once_each_sees_the_others_act(stocked: Any) -> None:
    """Both withdraw the same model: one is told that it is withdrawn already."""
    registries = [Registry(stocked.path) for _ in range(4)]
    barrier = threading.Barrier(len(registries))
    said: list[str] = []

    def withdraw(registry: Registry) -> None:
        barrier.wait()
        try:
            said.append(decide(registry, WITHDRAW, NEW, "both").after or "")
        except TransitionRefused as refused:
            said.append(str(refused))

    threads = [threading.Thread(target=withdraw, args=(one,)) for one in registries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(text == OLD for text in said) == [False, False, False, True], said
    assert sum("withdrawn already" in text for text in said) == 3
    assert len(stocked.registry.transitions()) == 1


def test_two_models_of_one_version_are_an_error(stocked: Any) -> None:
    stocked.train(NEW, blessed=True)
    registry = stocked.registry
    for ask in (
        registry.champion,
        lambda: list_models(registry, None),
        lambda: decide(registry, PROMOTE, OLD),
    ):
        with pytest.raises(RegistryInconsistent, match=f"have the version {NEW}: artifacts"):
            ask()


def test_only_the_blessing_of_the_gate_counts(shelf: Any) -> None:
    model = shelf.train(OLD, blessed=None)
    shelf.bless("run-1", model, True, node="SomebodyElse")
    assert shelf.registry.champion() is None
    shelf.bless("run-1", model, False, node=GATE_NODE)
    assert list_models(shelf.registry, None)[0].gate == "not blessed"


def test_a_resolver_that_passes_a_blessing_on_is_not_its_maker(stocked: Any) -> None:
    """A resolver's event is INTERNAL_OUTPUT; were it taken for the maker, nobody was blessed."""
    blessing = stocked.store.get_artifacts_by_type("ModelBlessing")[1]
    type_id = stocked.store.put_execution_type(mlmd.ExecutionType(name="tfx.Resolver"))
    (execution,) = stocked.store.put_executions([mlmd.Execution(type_id=type_id)])
    stocked.store.put_events(
        [
            mlmd.Event(
                artifact_id=blessing.id,
                execution_id=execution,
                type=mlmd.Event.INTERNAL_OUTPUT,
            )
        ]
    )
    assert champion(stocked) == NEW


def test_the_last_decision_on_a_model_counts(stocked: Any) -> None:
    stocked.bless("run-2", stocked.models[NEW], False)
    assert champion(stocked) == OLD


def test_a_run_that_failed_before_the_gate_is_not_judged(stocked: Any) -> None:
    stocked.train("20260701-dddddddd", blessed=None)
    row = list_models(stocked.registry, None)[0]
    assert (row.version, row.gate, row.champion) == ("20260701-dddddddd", "not judged", False)
    with pytest.raises(TransitionRefused, match="was not judged"):
        decide(stocked.registry, PIN, "20260701-dddddddd")


@pytest.mark.parametrize("state", ["PENDING", "ABANDONED", "DELETED", "MARKED_FOR_DELETION"])
def test_a_model_that_is_not_live_has_no_name(stocked: Any, state: str) -> None:
    number = mlmd.Artifact.State.Value(state)
    stocked.artifact("Model", "/nowhere", {"model_version": "20260701-dddddddd"}, number)
    assert [row.version for row in list_models(stocked.registry, None)] == [REFUSED, NEW, OLD]
    with pytest.raises(UnknownModel):
        decide(stocked.registry, WITHDRAW, "20260701-dddddddd", "why")


def test_an_empty_store_has_no_models(shelf: Any) -> None:
    registry = shelf.registry
    assert (registry.models(), registry.champion(), registry.transitions()) == ([], None, [])
    with pytest.raises(UnknownModel, match="none was trained yet"):
        decide(registry, PROMOTE, OLD)


def test_no_store_at_all_has_no_models(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "metadata.sqlite")
    assert (registry.models(), registry.champion(), registry.transitions()) == ([], None, [])
    with pytest.raises(UnknownModel, match="No run was ever recorded"):
        decide(registry, PROMOTE, OLD)
    assert not (tmp_path / "metadata.sqlite").exists()


LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_store_that_another_process_locks_is_said(sqlite_shelf: Any) -> None:
    sqlite_shelf.train(OLD, blessed=True)
    command = [sys.executable, "-c", LOCK, str(sqlite_shelf.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        with pytest.raises(DatabaseUnreachable, match="Nothing was recorded"):
            decide(sqlite_shelf.registry, WITHDRAW, OLD, "why")
        holder.communicate()
    decide(sqlite_shelf.registry, WITHDRAW, OLD, "why")
    assert [transition.number for transition in sqlite_shelf.registry.transitions()] == [1]
