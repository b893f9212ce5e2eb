"""A run whose challenger the gate judged, and its evaluation report."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import psycopg2
import pytest
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import standard_artifacts

from components.config import setting_fields
from components.model_review.config import ModelReviewConfig
from components.model_review.executor import Executor
from components.postgres.migrate import migrate
from components.registry.artifacts import ModelReview
from components.registry.model_properties import ModelProperties
from serving_model.served.model_card import read_card
from serving_model.served.predict import ModelScorer
from tests.components.exec_properties import exec_properties
from tests.components.model_review.publications import publish_scores

CANARY = "canary-51b7d0c2e9"
RUN_ID = "2026-06-01T07:00:00.123456"
PROPERTIES = {
    "settings": json.dumps({"seed": 7, "tiers": ["größte"]}),
    "risk_bands": '{"mode": "probability"}',
    "code_version": "c0de",
    "pipeline_root": "",
}

Review = Callable[..., Any]


def model_of(folder: str) -> Any:
    """A Model artifact that knows its version, as ModelTrainer leaves it."""
    model = standard_artifacts.Model()
    model.uri = folder
    version = read_card(f"{folder}/Format-Serving")["model_version"]
    ModelProperties(model_version=str(version)).write(model)
    return model


def write_review(folder: Path, inputs: dict[str, Any], **changes: Any) -> Any:
    """Runs the executor; returns the artifact with what review.json holds."""
    artifact = ModelReview()
    artifact.uri = str(folder)
    executor = Executor(BaseExecutor.Context(pipeline_run_id=RUN_ID))
    properties = PROPERTIES | {"pipeline_root": str(folder.parent)}
    config = {name: changes.pop(name) for name in {*setting_fields(ModelReviewConfig)} & {*changes}}
    given = exec_properties(ModelReviewConfig(**config), **(properties | changes))
    executor.Do({name: [one] for name, one in inputs.items()}, {"review": [artifact]}, given)
    text = (folder / "review.json").read_text(encoding="utf-8")
    found = json.loads(text, parse_constant=pytest.fail)
    return SimpleNamespace(artifact=artifact, folder=folder, json=found)


@pytest.fixture
def review(tmp_path: Path) -> Review:
    """Writes the report of a run that left these artifacts."""

    def write(inputs: dict[str, Any], **changes: Any) -> Any:
        return write_review(tmp_path / "review", inputs, **changes)

    return write


@pytest.fixture(scope="session")
def decided(judged: SimpleNamespace, blessed: SimpleNamespace) -> SimpleNamespace:
    """The gate's decision, and the inputs of ModelReview after it."""
    names = {name: judged.inputs[name][0] for name in ("examples", "transform_graph")}
    models = {name: model_of(judged.inputs[name][0].uri) for name in ("model", "baseline_model")}
    return SimpleNamespace(
        inputs={**names, **models, "blessing": blessed.blessing},
        decision=blessed.decision,
        predictions=pd.read_parquet(f"{blessed.blessing.uri}/predictions.parquet"),
        model=f"{models['model'].uri}/Format-Serving",
    )


@pytest.fixture(scope="session")
def challenger(decided: SimpleNamespace) -> ModelScorer:
    """The challenger, loaded once."""
    return ModelScorer(decided.model)


@pytest.fixture(scope="session")
def complete(
    decided: SimpleNamespace, postgres_server: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimpleNamespace]:
    """The report of that run; the champion's scores of the same accounts are published."""
    name = postgres_server.create_database()
    url = f"{postgres_server.url(name)}&password={CANARY}"
    folder = tmp_path_factory.mktemp("complete")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DATABASE_URL", url)
        with closing(psycopg2.connect(url)) as connection:
            migrate(connection)
        publish_scores("20260601-champion", 0, scores_of(decided, "baseline_model"))
        written = write_review(
            folder / "review", decided.inputs, review_dir=str(folder / "copies" / "here")
        )
        yield SimpleNamespace(**vars(decided), **vars(written), url=url, copies=folder / "copies")
    postgres_server.drop_database(name)


def scores_of(decided: SimpleNamespace, model: str) -> dict[str, float]:
    """Today's accounts as a model scores them."""
    from components.model_gate.evaluation_set import read_serialized

    serialized = read_serialized(f"{decided.inputs['examples'].uri}/Split-score")
    accounts, found = ModelScorer(f"{decided.inputs[model].uri}/Format-Serving").score(serialized)
    return dict(zip(accounts.tolist(), found.tolist(), strict=True))
