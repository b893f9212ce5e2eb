"""Feedback in a real database, and the Examples that FeedbackExampleGen makes of it."""

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from psycopg2.extras import execute_values

from components.feedback_example_gen.config import FeedbackExampleGenConfig
from tests.components.exec_properties import exec_properties

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
COLUMNS = (
    "id", "created_at", "source", "product_area", "sentiment", "priority",
    "topic", "region", "customer_tier", "account_id", "summary",
)  # fmt: skip
SUMMARY = "summary-that-must-never-leave-the-database"

# Without GoInsight's own checks, so that broken values can be tried too.
CREATE = """
CREATE TABLE feedback_enriched (
    id text PRIMARY KEY, created_at timestamptz, source text, product_area text,
    sentiment text, priority int, topic text, region text, customer_tier text,
    account_id varchar, summary text NOT NULL
);
CREATE INDEX ON feedback_enriched (account_id);
"""


class FeedbackTables:
    """feedback_enriched, and account_churn once a churn is added."""

    def __init__(self, url: str):
        self.url = url
        self._numbers = itertools.count()
        self.execute(CREATE)

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self.url)) as writer, writer, writer.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def add(self, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Inserts rows, and returns them with their defaults."""
        rows = [self.row(**row) for row in rows]
        self._insert(
            "feedback_enriched", COLUMNS, [[row[name] for name in COLUMNS] for row in rows]
        )
        return rows

    def row(self, **changes: Any) -> dict[str, Any]:
        row = {
            "id": f"FB-{next(self._numbers)}",
            "created_at": AS_OF - timedelta(days=1),
            "source": "email",
            "product_area": "billing",
            "sentiment": "neutral",
            "priority": 3,
            "topic": "invoice",
            "region": "NA",
            "customer_tier": "pro",
            "account_id": "ACC-1",
            "summary": SUMMARY,
        }
        return row | changes

    def churn(self, rows: Iterable[tuple[str, datetime]]) -> None:
        self.execute(
            "CREATE TABLE IF NOT EXISTS account_churn (account_id varchar, churned_at timestamptz)"
        )
        self._insert("account_churn", ("account_id", "churned_at"), list(rows))

    def _insert(self, table: str, columns: tuple[str, ...], rows: list[Any]) -> None:
        with closing(psycopg2.connect(self.url)) as writer, writer, writer.cursor() as cursor:
            statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES %s"
            execute_values(cursor, statement, rows, page_size=10_000)


@pytest.fixture
def feedback(migrated_database: str) -> FeedbackTables:
    """An empty feedback_enriched beside our own tables; no account_churn yet."""
    return FeedbackTables(migrated_database)


@pytest.fixture(scope="session")
def make_feedback() -> type[FeedbackTables]:
    """FeedbackTables, for databases of longer life."""
    return FeedbackTables


READING = FeedbackExampleGenConfig(
    lookback_days=30,
    horizon_days=10,
    cutoff_interval_days=7,
    max_training_cutoffs=3,
    max_events=50,
)


def properties(
    *,
    as_of: str = AS_OF.isoformat(),
    splits: Sequence[str] = ("train", "eval", "score"),
    **changes: Any,
) -> dict[str, Any]:
    """Execution properties of FeedbackExampleGen for a short world that ends at AS_OF."""
    config = replace(READING, **changes)
    return exec_properties(config, as_of=as_of, splits=json.dumps(splits))


@pytest.fixture(scope="session")
def example_gen_properties() -> Callable[..., dict[str, Any]]:
    return properties


@pytest.fixture(scope="session")
def beam_executor() -> Callable[[type], Any]:
    """Makes an executor of a Beam component, with the runner of local runs."""
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor

    from pipeline.runners.arguments import LOCAL_BEAM_ARGS
    from tests.forked_command import remember_arguments

    remember_arguments()

    def make(executor: type) -> Any:
        context = BaseBeamExecutor.Context(
            beam_pipeline_args=list(LOCAL_BEAM_ARGS), pipeline_run_id="run-of-the-test"
        )
        return executor(context)

    return make


@pytest.fixture(scope="session")
def write_examples(beam_executor: Callable[[type], Any]) -> Callable[..., Any]:
    """Runs FeedbackExampleGen's executor into a folder and returns the Examples."""
    from tfx.types import standard_artifacts

    from components.feedback_example_gen.executor import Executor
    from components.registry.artifacts import AreaCounts

    def write(folder: Path, **changes: Any) -> Any:
        examples = standard_artifacts.Examples()
        examples.uri = str(folder)
        area_counts = AreaCounts()
        area_counts.uri = str(folder.with_name(f"{folder.name}-areas"))
        outputs = {"examples": [examples], "area_counts": [area_counts]}
        beam_executor(Executor).Do({}, outputs, properties(**changes))
        return examples

    return write


@pytest.fixture(scope="session")
def examples_of(
    postgres_server: Any, migrated_template: str, write_examples: Callable[..., Any]
) -> Callable[..., Any]:
    """Makes Examples of rows in a database of their own, for tests that read no database."""

    def make(
        folder: Path,
        rows: Iterable[dict[str, Any]],
        churns: Iterable[tuple[str, datetime]] = (),
        **changes: Any,
    ) -> Any:
        name = postgres_server.create_database(migrated_template)
        try:
            with pytest.MonkeyPatch.context() as patched:
                patched.setenv("DATABASE_URL", postgres_server.url(name))
                tables = FeedbackTables(postgres_server.url(name))
                tables.add(rows)
                if churned := list(churns):
                    tables.churn(churned)
                return write_examples(folder, **changes)
        finally:
            postgres_server.drop_database(name)

    return make


@pytest.fixture(scope="session")
def judged(
    postgres_server: Any,
    write_examples: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """Examples, Transform graph, challenger, champion and evaluation of a simulated world."""
    from tests.components.judged_models import judged_models

    root = tmp_path_factory.mktemp("judged")
    return judged_models(postgres_server, write_examples, root)


@pytest.fixture(scope="session")
def blessed(judged: SimpleNamespace) -> Any:
    """ModelGate's blessing of the challenger, and its decision.json."""
    from tests.components.judged_models import run_gate

    blessing = run_gate(judged.inputs, judged.root / "blessing")
    text = (judged.root / "blessing" / "decision.json").read_text(encoding="utf-8")
    return SimpleNamespace(blessing=blessing, decision=json.loads(text, parse_constant=pytest.fail))


@pytest.fixture
def renamed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Where files were put by renaming them, as they are."""
    from tfx.dsl.io import fileio

    found: set[str] = set()
    rename = fileio.rename

    def note(source: str, target: str, overwrite: bool = False) -> None:
        rename(source, target, overwrite)
        found.add(target)

    monkeypatch.setattr(fileio, "rename", note)
    return found


@pytest.fixture(scope="session")
def read_examples() -> Callable[[Any, str], dict[tuple[str, int], dict[str, Any]]]:
    """Parses a split: {(account, cutoff in seconds): {feature: value or list}}."""
    import tensorflow as tf

    from transforms.event_spec import raw_feature_spec

    def read(examples: Any, split: str) -> dict[tuple[str, int], dict[str, Any]]:
        files = sorted((Path(examples.uri) / f"Split-{split}").iterdir())
        records = tf.data.TFRecordDataset([str(file) for file in files], "GZIP")
        serialized = list(records.as_numpy_iterator())
        parsed = tf.io.parse_example(
            tf.constant(serialized, tf.string), raw_feature_spec(split != "score")
        )
        columns = {name: _plain(values, len(serialized)) for name, values in parsed.items()}
        found = [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]
        keyed = {(one["account_id"], one["cutoff"]): one for one in found}
        assert len(keyed) == len(serialized), "an account comes twice at one cutoff"
        return keyed

    return read


def _plain(values: Any, rows: int) -> list[Any]:
    import tensorflow as tf

    if isinstance(values, tf.SparseTensor):
        plain: list[Any] = [[] for _ in range(rows)]
        for (row, _), value in zip(values.indices.numpy(), values.values.numpy(), strict=True):
            plain[row].append(_text(value))
        return plain
    return [_text(value) for value in values.numpy()]


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value.item()
