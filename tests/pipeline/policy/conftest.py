"""A state directory with runs of a year, as ML Metadata and the disk have them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.registry.registry import Registry
from pipeline.settings import Settings, load_settings
from tests.environment import unset_settings
from tests.pipeline.registry.conftest import PROPERTIES, Shelf, make_shelf

END = datetime(2026, 11, 29, tzinfo=timezone.utc)
TRAIN, SCORE = "tens-insight-train", "tens-insight-score"
NODES = {
    TRAIN: {
        "FeedbackExampleGen": ("Examples", "examples"),
        "StatisticsGen": ("ExampleStatistics", "statistics"),
        "ModelTrainer": ("Model", "model"),
        "ModelGate": ("ModelBlessing", "blessing"),
        "Pusher": ("PushedModel", "pushed_model"),
        "ModelReview": ("TensInsightModelReview", "review"),
    },
    SCORE: {
        "FeedbackExampleGen": ("Examples", "examples"),
        "AccountScorer": ("TensInsightPublishedScores", "scores"),
    },
}


@dataclass
class Yard:
    """A state directory that is filled run by run."""

    folder: Path
    shelf: Shelf
    versions: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.folder / "pipeline_root"

    def registry(self) -> Registry:
        return Registry(self.folder / "metadata.sqlite")

    def settings(self, **explicit: Any) -> Settings:
        return load_settings(state_dir=self.folder, **explicit)

    def train(
        self,
        as_of: datetime,
        *,
        blessed: bool = True,
        shadow: bool = False,
        acceptable: bool = False,
    ) -> str:
        version = f"{as_of:%Y%m%d}-{len(self.versions):08x}"
        self.versions.append(version)
        run = f"{as_of:%Y%m%dT%H%M%S}.000-{len(self.versions):04x}"
        pushed = self.folder / "serving" / "churn" / str(int(as_of.timestamp()))
        model: int = 0
        for node in NODES[TRAIN]:
            properties: dict[str, Any] = {"as_of": as_of.isoformat()}
            if node == "ModelTrainer":
                properties = PROPERTIES | properties | {"model_version": version}
            if node == "ModelGate":
                properties = {"blessed": int(blessed), "current_model_id": model}
                properties |= {"shadow": 1} if shadow else {}
                properties |= {"acceptable": 1} if acceptable else {}
            if node == "Pusher":
                if not blessed:
                    continue
                properties = {"pushed_destination": str(pushed)}
                pushed.mkdir(parents=True)
                (pushed / "saved_model.pb").write_text(version)
            if node == "ModelReview":
                properties = {"outcome": "blessed", "model_version": version}
            made = self._node(TRAIN, run, node, properties)
            model = made if node == "ModelTrainer" else model
        return version

    def score(self, as_of: datetime) -> None:
        run = f"{as_of:%Y%m%dT%H%M%S}.500-aaaa"
        for node in NODES[SCORE]:
            self._node(SCORE, run, node, {"as_of": as_of.isoformat()})

    def _node(self, pipeline: str, run: str, node: str, properties: dict[str, Any]) -> int:
        store: Any = self.shelf.store
        kind, key = NODES[pipeline][node]
        execution_type = store.put_execution_type(mlmd.ExecutionType(name=f"tfx.{node}"))
        execution = mlmd.Execution(type_id=execution_type, last_known_state=mlmd.Execution.COMPLETE)
        contexts = [
            mlmd.Context(type_id=store.put_context_type(mlmd.ContextType(name=name)), name=value)
            for name, value in (
                ("pipeline", pipeline),
                ("pipeline_run", run),
                ("node", f"{pipeline}.{node}"),
            )
        ]
        (number,) = store.put_executions([execution])
        folder = self.root / pipeline / node / key / str(number)
        (folder / "below").mkdir(parents=True)
        (folder / "below" / "data").write_bytes(b"x" * 1000)
        if node == "ModelGate":
            (folder / "decision.json").write_text(json.dumps({"run": run}))
        made = self.shelf.artifact(kind, str(folder), properties)
        (execution,) = store.get_executions_by_id([number])
        (artifact,) = store.get_artifacts_by_id([made])
        store.put_execution(
            execution,
            [(artifact, mlmd.Event(artifact_id=made, type=mlmd.Event.OUTPUT))],
            contexts,
            reuse_context_if_already_exist=True,
        )
        return made

    def folders(self) -> set[str]:
        """Returns what is on the disk, PIPELINE/NODE/KEY/NUMBER."""
        return {
            str(path.relative_to(self.root)) for path in self.root.glob("*/*/*/*") if path.is_dir()
        }


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    """An empty one."""
    return Yard(tmp_path, make_shelf(tmp_path / "metadata.sqlite"))


@pytest.fixture
def quarter(yard: Yard) -> Callable[[], Yard]:
    """Makes thirteen weeks of it: a training and two scores each."""

    def made() -> Yard:
        for week in range(12, -1, -1):
            as_of = END - timedelta(days=7 * week)
            yard.train(as_of)
            for day in (1, 2):
                if as_of + timedelta(days=day) <= END:
                    yard.score(as_of + timedelta(days=day))
        return yard

    return made
