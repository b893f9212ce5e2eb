"""A node that fails ends its branch, not the others."""

import pytest
from tfx import v1 as tfx
from tfx.dsl.component.experimental.annotations import OutputDict, Parameter
from tfx.dsl.component.experimental.decorators import component

from components.errors import DataGateStopped, PublicationRefused
from pipeline.branch_runner import BranchRunner

ran: list[str] = []


@component
def Step(name: Parameter[str], fails: Parameter[str]) -> OutputDict(done=str):  # noqa: N802
    ran.append(name)
    if fails:
        raise {"gate": DataGateStopped, "refused": PublicationRefused, "bug": KeyError}[fails](name)
    return {"done": name}


@pytest.fixture
def run(tmp_path):
    def run_graph(failing):
        """Runs read -> gate -> train -> score, and read -> areas."""
        ran.clear()
        upstream = {"read": None, "gate": "read", "train": "gate", "score": "train"}
        nodes = {}
        for name, before in (upstream | {"areas": "read"}).items():
            nodes[name] = Step(name=name, fails=failing.get(name, "")).with_id(name)
            if before:
                nodes[name].add_upstream_node(nodes[before])
        definition = tfx.dsl.Pipeline(
            pipeline_name="branches",
            pipeline_root=str(tmp_path / "root"),
            components=list(nodes.values()),
            metadata_connection_config=(
                tfx.orchestration.metadata.sqlite_metadata_connection_config(
                    str(tmp_path / "metadata.sqlite")
                )
            ),
        )
        BranchRunner().run(definition)

    return run_graph


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
