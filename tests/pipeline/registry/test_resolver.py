"""The resolver nodes of both pipelines, run by the real runner on both kinds of store."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts

from components.errors import RegistryInconsistent
from components.registry.judged import GATE_NODE
from components.registry.model_properties import BlessingProperties, ModelProperties
from components.registry.rule import PIN, PROMOTE, UNPIN, WITHDRAW
from pipeline import nodes, scoring, training
from pipeline.deployment import local_deployment
from pipeline.local_runner import run_locally
from pipeline.registry.change_stage import decide
from pipeline.registry.registry import Registry
from pipeline.settings import Settings, load_settings
from tests.pipeline.registry.conftest import STORES

Model, ModelBlessing = standard_artifacts.Model, standard_artifacts.ModelBlessing


@component
def Train(model: OutputArtifact[Model], version: Parameter[str]):  # noqa: N802
    ModelProperties(model_version=version).write(model)


@component
def Judge(  # noqa: N802
    model: InputArtifact[Model], blessing: OutputArtifact[ModelBlessing], blessed: Parameter[int]
):
    BlessingProperties(blessed=blessed, current_model_id=model.id).write(blessing)


class World:
    """Runs a training pipeline without the data, and a scoring one without the scores."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.deployment = local_deployment(settings)

    @property
    def registry(self) -> Registry:
        return Registry(self.settings.metadata_path)

    def train(self, version: str, blessed: bool) -> tuple[str | None, str | None]:
        """Returns what FormerChampion and Champion resolved."""
        former = nodes.resolve_champion(self.deployment, *nodes.any_model()).with_id(
            "FormerChampion"
        )
        trainer = Train(version=version).with_id("ModelTrainer")
        trainer.add_upstream_node(former)
        judge = Judge(model=trainer.outputs["model"], blessed=int(blessed)).with_id(GATE_NODE)
        champion = nodes.resolve_champion(self.deployment, *nodes.any_model()).with_id("Champion")
        champion.add_upstream_node(judge)
        self._run(training.PIPELINE_NAME, [former, trainer, judge, champion])
        return self._resolved("FormerChampion"), self._resolved("Champion")

    def score(self) -> str | None:
        """Returns what Champion resolved."""
        champion = nodes.resolve_champion(
            self.deployment,
            scoring._trained(Model, "ModelTrainer", "model"),
            scoring._trained(ModelBlessing, GATE_NODE, "blessing"),
        ).with_id("Champion")
        self._run(scoring.PIPELINE_NAME, [champion])
        return self._resolved("Champion")

    def _run(self, name: str, components: list[Any]) -> None:
        definition = nodes.assemble(self.settings, self.deployment, name, components)
        run_locally(definition, self.settings, database=None)

    def _resolved(self, node: str) -> str | None:
        store = self.registry.store
        executions = [
            execution
            for context in store.get_contexts_by_type("node")
            if context.name.endswith(f".{node}")
            for execution in store.get_executions_by_context(context.id)
        ]
        newest = max(execution.id for execution in executions)
        ids = [event.artifact_id for event in store.get_events_by_execution_ids([newest])]
        found = [one for one in store.get_artifacts_by_id(ids) if one.type == "Model"]
        assert len(found) == len(ids) / 2 <= 1
        return found[0].custom_properties["model_version"].string_value if found else None


@pytest.fixture(params=STORES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "postgres":
        request.getfixturevalue("store_database")
    return World(load_settings(state_dir=tmp_path / "state"))


@pytest.mark.slow
def test_every_resolver_and_the_registry_name_the_same_champion(world: World) -> None:
    assert world.train("v1", blessed=False) == (None, None)
    assert world.score() is None
    assert world.train("v2", blessed=True) == (None, "v2")
    assert world.train("v3", blessed=True) == ("v2", "v3")

    def everybody(version: str | None) -> bool:
        champion = world.registry.champion()
        found = champion.properties.model_version if champion else None
        return found == world.score() == version

    assert everybody("v3")
    decide(world.registry, WITHDRAW, "v3", "worse in EU")
    assert everybody("v2")
    assert world.train("v4", blessed=False) == ("v2", "v2")
    decide(world.registry, PROMOTE, "v3", "no, it is not")
    assert everybody("v3")
    decide(world.registry, PIN, "v2")
    assert world.train("v5", blessed=True) == ("v2", "v2")
    decide(world.registry, UNPIN)
    assert everybody("v5")
    for version in ("v2", "v3", "v5"):
        decide(world.registry, WITHDRAW, version, "all of them")
    assert everybody(None)


def test_one_version_twice_stops_a_run(world: World) -> None:
    world.train("v1", blessed=True)
    with pytest.raises(RegistryInconsistent, match="have the version v1"):
        world.train("v1", blessed=True)
    with pytest.raises(RegistryInconsistent, match="have the version v1"):
        world.train("v2", blessed=True)
    versions = [model.properties.model_version for model in world.registry.models()]
    assert versions == ["v1", "v1"], "the challenger was trained without a former champion"


def test_a_resolver_that_fails_stops_a_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """TFX itself only logs it, and goes on as if there were no champion."""
    monkeypatch.setattr("components.registry.strategy.read_transitions", lambda store: 1 / 0)
    with pytest.raises(Exception, match="Champion") as caught:
        world.train("v1", blessed=True)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_password_is_in_no_log_file_or_store(
    metadata_password_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    query: Callable[[str, str], list[Any]],
) -> None:
    password = urlsplit(metadata_password_url).password
    assert password
    world = World(load_settings(state_dir=tmp_path / "state"))
    # absl's logger has a level of its own, which other tests may have left higher.
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="absl"):
        world.train("v1", blessed=True)
        decide(world.registry, PIN, "v1", "canary")
    assert "Using connection config" in caplog.text  # the line that would give it away
    assert "passfile" in caplog.text
    captured = capfd.readouterr()
    assert password not in caplog.text + captured.out + captured.err
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if password.encode() in path.read_bytes()] == []
    assert not (tmp_path / "state" / "metadata.sqlite").exists()
    tables = query(
        metadata_password_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    assert len(tables) == 15
    for (table,) in tables:
        assert password not in str(query(metadata_password_url, f'SELECT * FROM "{table}"'))
    assert password not in str(
        os.environ.items() - {("METADATA_DATABASE_URL", metadata_password_url)}
    )
