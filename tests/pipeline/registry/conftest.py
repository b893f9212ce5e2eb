"""Stores of ML Metadata, on sqlite and on Postgres, filled through the real interface."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import psycopg2.sql
import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.registry.judged import GATE_NODE
from pipeline.registry.metadata_store import connection_config
from pipeline.registry.registry import Registry
from tests.components.sample_properties import EXAMPLES
from tests.environment import unset_settings

PIPELINE = "tens-insight-train"
PROPERTIES: dict[str, Any] = {
    "as_of": "2026-06-01T00:00:00+00:00",
    "label_source": "account_churn",
    "feedback_rows": 1000,
    "lookback_days": 180,
    "horizon_days": 60,
    "max_events": 500,
    "train_cutoffs": "2026-01-01T00:00:00+00:00,2026-02-01T00:00:00+00:00",
    "train_examples": 800,
    "train_churned": 80,
    "eval_cutoffs": "2026-04-02T00:00:00+00:00",
    "eval_examples": 400,
    "eval_churned": 40,
    "code_version": "0123456789ab",
}


@dataclass
class Shelf:
    """A store with what training runs leave in it: contexts, executions, events, artifacts."""

    path: Path
    store: Any
    runs: int = 0
    models: dict[str, int] = field(default_factory=dict)

    @property
    def registry(self) -> Registry:
        return Registry(self.path)

    def train(self, version: str, blessed: bool | None, **properties: Any) -> int:
        """Records a training run; blessed None means that it ended before the gate decided."""
        self.runs += 1
        run = properties.pop("run", f"run-{self.runs}")
        read = properties.pop("examples_uri", f"/nowhere/{run}/examples")
        examples = self.artifact("Examples", read, EXAMPLES | PROPERTIES)
        self.node(run, "FeedbackExampleGen", [], [examples])
        uri = properties.pop("uri", f"/nowhere/{run}/model")
        described = PROPERTIES | properties | {"model_version": version}
        model = self.artifact("Model", uri, described)
        self.node(run, "ModelTrainer", [examples], [model])
        self.models[version] = model
        if blessed is not None:
            self.bless(run, model, blessed)
        return model

    def bless(
        self, run: str, model: int, blessed: bool, node: str = GATE_NODE, **properties: Any
    ) -> int:
        described = {"blessed": int(blessed), "current_model_id": model, **properties}
        blessing = self.artifact("ModelBlessing", f"/nowhere/{run}/blessing", described)
        self.node(run, node, [model], [blessing])
        return blessing

    def artifact(
        self, type_name: str, uri: str, properties: dict[str, Any], state: int = mlmd.Artifact.LIVE
    ) -> int:
        type_id = self.store.put_artifact_type(mlmd.ArtifactType(name=type_name))
        artifact = mlmd.Artifact(type_id=type_id, uri=uri, state=state)
        for name, value in properties.items():
            kinds = {str: "string_value", int: "int_value", float: "double_value"}
            setattr(artifact.custom_properties[name], kinds[type(value)], value)
        return self.store.put_artifacts([artifact])[0]

    def node(self, run: str, name: str, read: list[int], made: list[int]) -> None:
        type_id = self.store.put_execution_type(mlmd.ExecutionType(name=f"tfx.{name}"))
        execution = mlmd.Execution(type_id=type_id, last_known_state=mlmd.Execution.COMPLETE)
        contexts = [
            self._context("pipeline", PIPELINE),
            self._context("pipeline_run", run),
            self._context("node", f"{PIPELINE}.{name}"),
        ]
        pairs = [(one, mlmd.Event.INPUT) for one in read]
        pairs += [(one, mlmd.Event.OUTPUT) for one in made]
        artifacts = {one.id: one for one in self.store.get_artifacts_by_id([*read, *made])}
        self.store.put_execution(
            execution,
            [(artifacts[one], mlmd.Event(artifact_id=one, type=kind)) for one, kind in pairs],
            contexts,
            reuse_context_if_already_exist=True,
        )

    def _context(self, type_name: str, name: str) -> Any:
        type_id = self.store.put_context_type(mlmd.ContextType(name=type_name))
        return mlmd.Context(type_id=type_id, name=name)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))


@pytest.fixture
def metadata_database(postgres_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of an empty database that METADATA_DATABASE_URL names."""
    name = postgres_server.create_database()
    url = postgres_server.url(name)
    monkeypatch.setenv("METADATA_DATABASE_URL", url)
    try:
        yield url
    finally:
        postgres_server.drop_database(name)


STORES = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]
"""On Postgres a test takes ten times as long as on sqlite."""


@pytest.fixture(params=STORES)
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    """An empty store, once on each kind of database."""
    if request.param == "postgres":
        request.getfixturevalue("store_database")
    return make_shelf(tmp_path / "metadata.sqlite")


@pytest.fixture
def sqlite_shelf(tmp_path: Path) -> Shelf:
    """An empty store on sqlite."""
    return make_shelf(tmp_path / "metadata.sqlite")


def make_shelf(path: Path) -> Shelf:
    import ml_metadata

    return Shelf(path, ml_metadata.MetadataStore(connection_config(path)))


@pytest.fixture
def query() -> Callable[[str, str], list[Any]]:
    def run(url: str, statement: str) -> list[Any]:
        connection = psycopg2.connect(url)
        with contextlib.closing(connection), connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture
def metadata_password_url(
    postgres_server: Any, password_url: str, monkeypatch: pytest.MonkeyPatch
) -> str:
    """As metadata_database, for a role that needs a password and owns nothing."""
    role = psycopg2.sql.Identifier(urlsplit(password_url).username)
    grant = psycopg2.sql.SQL("GRANT CREATE, USAGE ON SCHEMA public TO {}").format(role)
    postgres_server.execute(grant, urlsplit(password_url).path.lstrip("/"))
    monkeypatch.setenv("METADATA_DATABASE_URL", password_url)
    return password_url
