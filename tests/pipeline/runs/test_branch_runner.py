"""A node that fails ends its branch, not the others; what each one took is shown and kept."""

import io
import json
from datetime import datetime, timedelta, timezone

import pytest
from rich.console import Console
from tfx.dsl.component.experimental.annotations import OutputDict, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.experimental.node_execution_options import utils
from tfx.orchestration import metadata
from tfx.orchestration.pipeline import Pipeline

from components.errors import DataGateStopped, PublicationRefused
from components.registry.node_costs import DONE, FAILED, NOT_RUN, read_costs
from pipeline.registry.registry import Registry
from pipeline.runs.branch_runner import BranchRunner, start_measuring
from pipeline.runs.progress import Progress
from pipeline.runs.run_id import new_run_id

MIB = 1024 * 1024
ran: list[str] = []


@component
def Step(name: Parameter[str], fails: Parameter[str]) -> OutputDict(done=str):  # noqa: N802
    ran.append(name)
    if fails:
        raise {"gate": DataGateStopped, "refused": PublicationRefused, "bug": KeyError}[fails](name)
    return {"done": name}


@pytest.fixture
def run(tmp_path):
    def run_graph(failing, in_any_case=(), progress=None, run_id=None):
        """Runs read -> gate -> train -> score, and read -> areas."""
        ran.clear()
        upstream = {"read": None, "gate": "read", "train": "gate", "score": "train"}
        nodes = {}
        for name, before in (upstream | {"areas": "read"}).items():
            nodes[name] = Step(name=name, fails=failing.get(name, "")).with_id(name)
            if before:
                nodes[name].add_upstream_node(nodes[before])
        for name in in_any_case:
            nodes[name].node_execution_options = utils.NodeExecutionOptions(
                trigger_strategy=utils.TriggerStrategy.ALL_UPSTREAM_NODES_COMPLETED
            )
        definition = Pipeline(
            pipeline_name="branches",
            pipeline_root=str(tmp_path / "root"),
            components=list(nodes.values()),
            metadata_connection_config=(
                metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite"))
            ),
        )
        BranchRunner(progress, run_id).run(definition)

    return run_graph


def test_a_run_is_found_by_the_name_that_it_was_given(run, tmp_path):
    """Two runs of one pipeline in one store: neither is taken for the other."""
    with pytest.raises(DataGateStopped):
        run({"gate": "gate"}, run_id="first")
    run({}, run_id="second")
    registry = Registry(tmp_path / "metadata.sqlite")
    first, second = registry.run_named("first"), registry.run_named("second")
    assert (first.state, first.run_id) == ("failed", "first")
    assert (second.state, second.run_id) == ("complete", "second")
    assert registry.run_named("third") is None


def test_names_of_later_runs_sort_after_those_of_earlier_ones():
    now = datetime(2026, 11, 28, 23, 59, 59, tzinfo=timezone.utc)
    names = [new_run_id(now), new_run_id(now + timedelta(seconds=1))]
    assert names == sorted(names)
    assert len({new_run_id(now) for _ in range(9)}) > 1


def test_all_run_where_none_fails(run):
    run({})
    assert sorted(ran) == ["areas", "gate", "read", "score", "train"]


def test_one_branch_fails_and_the_other_runs(run):
    with pytest.raises(DataGateStopped, match=r"^gate$"):
        run({"gate": "gate"})
    assert sorted(ran) == ["areas", "gate", "read"]
    with pytest.raises(PublicationRefused, match=r"^areas$"):
        run({"areas": "refused"})
    assert sorted(ran) == ["areas", "gate", "read", "score", "train"]


def test_what_depends_on_a_failed_node_does_not_run(run):
    with pytest.raises(DataGateStopped):
        run({"read": "gate"})
    assert ran == ["read"]


def test_both_failures_are_named(run):
    with pytest.raises((DataGateStopped, PublicationRefused)) as caught:
        run({"train": "gate", "areas": "refused"})
    assert {"train", "areas"} <= set(str(caught.value).split())
    assert "failed too" in str(caught.value)


def test_an_error_that_is_not_ours_comes_out_as_it_is(run):
    with pytest.raises(KeyError, match="areas"):
        run({"areas": "bug"})
    assert "score" in ran


def test_a_node_may_run_whatever_became_of_those_before(run):
    with pytest.raises(DataGateStopped, match=r"^gate$"):
        run({"gate": "gate"}, in_any_case=["score"])
    assert sorted(ran) == ["areas", "gate", "read", "score"]
    run({}, in_any_case=["score"])
    assert ran.index("train") < ran.index("score")


def test_a_failure_after_a_failure_is_named_too(run):
    with pytest.raises(DataGateStopped, match=r"(?s)^gate.*score failed too: score"):
        run({"gate": "gate", "score": "refused"}, in_any_case=["score"])


def test_each_node_is_shown_as_it_ends_and_none_that_did_not_run(run):
    console = Console(file=io.StringIO(), force_terminal=False, width=80)
    with pytest.raises(DataGateStopped):
        run({"gate": "gate"}, progress=Progress(console))
    lines = {line.split()[0]: line for line in console.file.getvalue().splitlines()}
    assert sorted(lines) == ["areas", "gate", "read"]
    assert lines["gate"].split() == ["gate", "stopped"]
    assert lines["read"].endswith(" s")
    assert lines["areas"].endswith(" s")


def test_what_each_node_took_is_written_down(run, tmp_path):
    with pytest.raises(DataGateStopped):
        run({"gate": "gate"}, in_any_case=["score"])
    (file,) = (tmp_path / "root" / ".node_costs").iterdir()
    costs = {cost["name"]: cost for cost in json.loads(file.read_text())}
    assert {name: cost["outcome"] for name, cost in costs.items()} == {
        "read": DONE,
        "gate": FAILED,
        "train": NOT_RUN,
        "score": DONE,
        "areas": DONE,
    }
    assert costs["train"]["seconds"] is costs["train"]["peak_mib"] is None
    assert all(0 < costs[name]["seconds"] < 60 for name in ("read", "gate", "score", "areas"))
    assert all(100 < costs[name]["peak_mib"] < 20_000 for name in ("read", "gate", "score"))
    assert read_costs(str(tmp_path / "root"), "another run") == []


def test_what_was_not_run_is_written_down_too(run, tmp_path):
    with pytest.raises(DataGateStopped):
        run({"gate": "gate"})
    (file,) = (tmp_path / "root" / ".node_costs").iterdir()
    outcomes = {cost["name"]: cost["outcome"] for cost in json.loads(file.read_text())}
    held_back = {"train": NOT_RUN, "score": NOT_RUN}
    assert outcomes == {"read": DONE, "areas": DONE, "gate": FAILED} | held_back


def test_the_peak_is_that_of_the_node_alone():
    bytearray(400 * MIB)
    measured = start_measuring()
    quiet = measured("quiet", "done")
    measured = start_measuring()
    bytearray(300 * MIB)
    busy = measured("busy", "done")
    assert quiet.peak_mib is not None
    assert busy.peak_mib is not None
    assert 250 < busy.peak_mib - quiet.peak_mib < 350


def test_name_outcome_and_seconds_are_those_of_the_node():
    cost = start_measuring()("Transform", "failed")
    assert (cost.name, cost.outcome) == ("Transform", "failed")
    assert cost.seconds is not None
    assert 0 <= cost.seconds < 1
