"""The resolver nodes of both pipelines, run by the real runner on both kinds of store."""

import json
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
from components.registry.artifacts import ModelSplit
from components.registry.judged import GATE_NODE
from components.registry.model_properties import BlessingProperties, ModelProperties
from components.registry.stages import PIN, PROMOTE, SPLIT, UNPIN, WITHDRAW
from components.registry.strategy import SECOND
from components.registry.transitions import transition_of
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


@component
def Consume(  # noqa: N802
    path: Parameter[str],
    former_champion: InputArtifact[Model] = None,
    second: InputArtifact[Model] = None,
    split: InputArtifact[ModelSplit] = None,
):
    found = {
        "former": former_champion and ModelProperties.read(former_champion).model_version,
        "second": second and ModelProperties.read(second).model_version,
        "split": split and vars(transition_of(split.mlmd_artifact)),
    }
    Path(path).write_text(json.dumps(found), encoding="utf-8")


def beside(world: World, path: Path) -> Any:
    """Returns what a node gets of what scores beside the champion, in a scoring pipeline."""
    trained = (
        scoring._trained(Model, "ModelTrainer", "model"),
        scoring._trained(ModelBlessing, GATE_NODE, "blessing"),
    )
    found = nodes.resolve_shadows(world.deployment, *trained, nodes.any_split())
    consumer = Consume(
        path=str(path),
        former_champion=found.outputs["former_champion"],
        second=found.outputs[SECOND],
        split=found.outputs[SPLIT],
    )
    world._run(scoring.PIPELINE_NAME, [found, consumer])
    return json.loads(path.read_text(encoding="utf-8"))


def test_what_scores_beside_the_champion_reaches_its_node(world: World, tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    nothing = {"former": None, "second": None, "split": None}
    assert beside(world, path) == nothing
    world.train("v1", blessed=True)
    assert beside(world, path) == nothing
    world.train("v2", blessed=True)
    assert beside(world, path) == nothing | {"former": "v1"}
    decide(world.registry, SPLIT, "v2", "which is better?", other="v1", share=0.25)
    assert world.score() == "v2"
    found = beside(world, path)
    assert (found["former"], found["second"]) == (None, "v1")
    split = found["split"]
    assert (split["version"], split["other"], split["share"]) == ("v2", "v1", 0.25)
    decide(world.registry, WITHDRAW, "v1", "worse in EU")
    assert beside(world, path) == nothing | {"split": split}
    decide(world.registry, "end split")
    assert beside(world, path) == nothing
