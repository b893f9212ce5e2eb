"""With the champion come the statistics of the Examples that it learnt from."""

from typing import Any

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.types import standard_artifacts

from components.registry.judged import GATE_NODE
from components.registry.stages import PROMOTE, WITHDRAW
from components.registry.strategy import ChampionStrategy
from components.store_resolver.query import Query
from pipeline.registry.change_stage import decide
from tests.pipeline.registry.conftest import PIPELINE, Shelf

CHANNELS = {
    "model": (Query("", "ModelTrainer", "model"), standard_artifacts.Model),
    "model_blessing": (Query("", GATE_NODE, "blessing"), standard_artifacts.ModelBlessing),
    "statistics": (Query("", "StatisticsGen", "statistics"), standard_artifacts.ExampleStatistics),
}


def train(shelf: Shelf, version: str, *, blessed: bool) -> None:
    """A training run, with the statistics of its Examples."""
    shelf.train(version, blessed, run=version)
    (examples,) = shelf.store.get_artifacts_by_uri(f"/nowhere/{version}/examples")
    statistics = shelf.artifact("ExampleStatistics", f"/nowhere/{version}/statistics", {})
    shelf.node(version, "StatisticsGen", [examples.id], [statistics])


def resolved(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Returns which model and statistics a later run resolves, and notes that in the store."""
    store = shelf.store
    monkeypatch.setattr(Query, "_is_output", lambda self, event: event.type == mlmd.Event.OUTPUT)
    known = {
        key: query.live_artifacts(store, PIPELINE, kind) for key, (query, kind) in CHANNELS.items()
    }
    found = ChampionStrategy().resolve_artifacts(store, known)
    _note(shelf, [one for every in found.values() for one in every])
    uris = [found[key][0].uri if found[key] else None for key in ("model", "statistics")]
    return uris[0], uris[1]


def _note(shelf: Shelf, artifacts: list[Any]) -> None:
    """As the local runner does for a resolver: what it found is an output of its own kind."""
    type_id = shelf.store.put_execution_type(mlmd.ExecutionType(name="tfx.Resolver"))
    (execution,) = shelf.store.put_executions([mlmd.Execution(type_id=type_id)])
    kind = mlmd.Event.INTERNAL_OUTPUT
    shelf.store.put_events(
        [mlmd.Event(artifact_id=one.id, execution_id=execution, type=kind) for one in artifacts]
    )


def test_statistics_follow_the_champion_and_not_the_newest_run(
    sqlite_shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = sqlite_shelf

    def of(version: str) -> tuple[str, str]:
        return f"/nowhere/{version}/model", f"/nowhere/{version}/statistics"

    assert resolved(shelf, monkeypatch) == (None, None)
    train(shelf, "v1", blessed=False)
    assert resolved(shelf, monkeypatch) == (None, None)
    train(shelf, "v2", blessed=True)
    assert resolved(shelf, monkeypatch) == of("v2")
    train(shelf, "v3", blessed=False)
    assert resolved(shelf, monkeypatch) == of("v2")
    train(shelf, "v4", blessed=True)
    assert resolved(shelf, monkeypatch) == of("v4")
    decide(shelf.registry, WITHDRAW, "v4", "worse")
    assert resolved(shelf, monkeypatch) == of("v2")
    decide(shelf.registry, PROMOTE, "v4", "it is not")
    assert resolved(shelf, monkeypatch) == of("v4")
    (gone,) = shelf.store.get_artifacts_by_uri("/nowhere/v4/statistics")
    gone.state = mlmd.Artifact.DELETED
    shelf.store.put_artifacts([gone])
    assert resolved(shelf, monkeypatch) == ("/nowhere/v4/model", None)
