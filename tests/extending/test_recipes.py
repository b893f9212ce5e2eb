"""docs/extending.md is true: each recipe is carried out, counted and run."""

from contextlib import closing

import psycopg2

FEATURE = """
import numpy as np, tensorflow as tf
from transforms.account_features import account_features, feature_names
from transforms.history import no_history
from transforms.reason_groups import feature_groups, group_of
from transforms.rhythm import rhythm_blocks

one = tf.constant([1.0], tf.float64)
history = no_history()._replace(
    tenure=one * 100, silence=one * 5, lifetime=tf.ones([1, 3], tf.float64),
    rows=tf.zeros([2], tf.int64), newer=tf.constant([1, 0], tf.int64),
    age=tf.constant([20, 5], tf.float64), negative=tf.constant([1, 0], tf.float64),
    positive=tf.zeros([2], tf.float64), critical=tf.ones([2], tf.float64),
)
recency = rhythm_blocks(history._replace(columns={"priority": tf.ones([2], tf.float64)}))[0]
found = dict(zip(recency.names, recency.values.numpy()[0]))
assert abs(np.expm1(found["since_alarm"]) - 20) < 1e-9, found
assert abs(np.expm1(found["since_critical"]) - 5) < 1e-9, found
assert feature_groups()[feature_names().index("since_alarm")] == "urgency"
"""


def test_one_more_feature(carried_out):
    tree = carried_out("One more feature of today's events")
    assert tree.files == ["transforms/reason_groups.py", "transforms/rhythm.py"]
    tree.run(FEATURE)


SINK = """
import sys
from pathlib import Path
import pyarrow as pa, pyarrow.parquet
from components.account_scorer.scored_shard import COLUMNS
from components.config import as_parameter
from components.registry.artifacts import PublishedScores
from components.registry.published_properties import PublishedScoresProperties
from components.score_export.config import ScoreExportConfig
from components.score_export.executor import Executor
from pipeline import scoring, training
from pipeline.settings import default_settings

root = Path(sys.argv[1])
scores = PublishedScores()
scores.uri = str(root / "scores")
Path(scores.uri).mkdir()
rows = [dict.fromkeys(COLUMNS.names) | {"account_id": name, "churn_probability": 0.25}
        for name in ("A", "B/1")]
table = pa.Table.from_pylist(rows, schema=COLUMNS)
pyarrow.parquet.write_table(table, root / "scores" / "scores-00000-of-00001.parquet")
PublishedScoresProperties(
    as_of="2026-06-01T00:00:00+00:00", model_version="m", published_at="2026-06-01T00:00:01+00:00",
    publication_id=7, published_count=2, removed_count=0, risk_bands="by probability",
    risk_bands_mode="probability",
).write(scores)
for folder in ("", str(root / "exported"), str(root / "exported")):
    config = as_parameter(ScoreExportConfig(export_dir=folder))
    Executor().Do({"scores": [scores]}, {}, {"config": config})
(file,) = (root / "exported").iterdir()
assert file.name == "scores-7.parquet"
found = pyarrow.parquet.read_table(file).to_pydict()
assert found["account_id"] == ["A", "B/1"] and found["churn_probability"] == [0.25, 0.25]
assert set(found["model_version"]) == {"m"}
for pipeline in (scoring, training):
    nodes = {one.id: one for one in pipeline.create_pipeline(default_settings()).components}
    assert {one.id for one in nodes["ScoreExport"].upstream_nodes} == {"AccountScorer"}
"""


def test_another_sink(carried_out, tmp_path_factory):
    tree = carried_out("Another sink for the scores")
    assert tree.files == [
        ".env.example",
        "components/score_export/__init__.py",
        "components/score_export/component.py",
        "components/score_export/config.py",
        "components/score_export/executor.py",
        "pipeline/nodes.py",
        "pipeline/scoring.py",
        "pipeline/settings.py",
        "pipeline/training.py",
    ]
    tree.run(SINK, str(tmp_path_factory.mktemp("sink")))


COLUMN = """
from contextlib import closing
from datetime import datetime, timezone
from components.feedback_example_gen.category_values import count_values
from components.feedback_example_gen.examples import ExampleRules, record_batches, take_examples
from components.feedback_example_gen.reading.feedback_reader import read_feedback
from components.postgres.connection import connect
from components.postgres.contract import require_contract
from transforms.account_features import feature_names
from transforms.reason_groups import group_of

as_of = datetime(2026, 6, 1, tzinfo=timezone.utc)
with closing(connect("tens-insight test")) as connection:
    require_contract(connection, churn_table="account_churn", churn_account_column="account_id",
                     churn_date_column="churned_at", need_outputs=False)
    feedback = read_feedback(connection, as_of)
examples = take_examples(feedback, None, as_of, ExampleRules(180, 90, 100), None)
(batch, *_) = record_batches(feedback, examples)
channels = {one for row in batch["event_channel"].to_pylist() for one in row}
assert channels == {b"web", b"phone"}, channels
assert "channel" in count_values(feedback, examples)["column"].to_pylist()
names = [name for name in feature_names() if name.startswith("channel[")]
assert len(names) == 9, names
assert {group_of(name) for name in names} == {"channels"}
"""


def test_one_more_column(carried_out, simulated_database):
    with closing(psycopg2.connect(simulated_database)) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE feedback_enriched ADD channel text NOT NULL DEFAULT 'web'")
        cursor.execute("UPDATE feedback_enriched SET channel = 'phone' WHERE priority > 3")
        connection.commit()
    tree = carried_out("One more column of feedback_enriched")
    assert tree.files == [
        "components/feedback_example_gen/reading/queries.sql",
        "transforms/columns.py",
        "transforms/schema/schema.pbtxt",
        "transforms/vocabularies.py",
    ]
    tree.run(COLUMN)


METRIC = """
import numpy as np
from components.model_gate.gate_check import Population
from components.model_gate.config import ModelGateConfig
from components.model_gate.overall_checks import overall_checks
from serving_model.evaluation.paired_bootstrap import paired_bootstrap

random = np.random.default_rng(1)
truth = random.beta(1, 3, 2_000)
labels = (random.random(2_000) < truth).astype(float)
models = {"challenger": np.clip(truth + 0.3, 0, 1), "champion": truth,
          "constant": np.full(2_000, 0.25), "logistic_regression": truth}
checks = overall_checks(Population.of("overall", labels), labels, models,
                        paired_bootstrap(labels, models),
                        ModelGateConfig())
(found,) = [one for one in checks if one.name == "brier against the champion"]
assert (found.verdict, found.limit) == ("failed", 0.005), found
"""


def test_one_more_metric(carried_out):
    tree = carried_out("One more metric of the gate")
    assert tree.files == [
        "serving_model/evaluation/metrics.py",
        "tests/serving_model/evaluation/test_metrics.py",
    ]
    tree.run(METRIC)
    tree.test(tree.files[1])


TABLE = """
from pipeline import scoring
from pipeline.settings import default_settings

nodes = {one.id: one for one in scoring.create_pipeline(default_settings()).components}
assert {one.id for one in nodes["StateSummary"].upstream_nodes} == {"AccountScorer"}
"""


def test_one_more_output_table(carried_out, postgres_server):
    tree = carried_out("One more output table")
    assert tree.files == [
        "components/postgres/migrations/0019_state_summary.sql",
        "components/postgres/tables.py",
        "components/state_summary.py",
        "pipeline/nodes.py",
        "pipeline/scoring.py",
        "tests/components/test_state_summary.py",
    ]
    tree.run(TABLE)
    described = "tests/components/postgres/test_contract.py"
    tree.test(tree.files[-1], described, TEST_DATABASE_URL=postgres_server.url())


SETTING = """
import json
from pipeline import scoring
from pipeline.settings import ConfigurationInvalid, load_settings

try:
    load_settings(min_area_rows=0)
except ConfigurationInvalid as error:
    assert "Setting min_area_rows from command line is 0" in str(error), error
else:
    raise AssertionError("0 rows were accepted")
settings = load_settings()
nodes = {one.id: one for one in scoring.create_pipeline(settings).components}
assert json.loads(nodes["ProductAreaScorer"].exec_properties["config"])["min_area_rows"] == 5
"""


def test_one_more_setting(carried_out, postgres_server):
    tree = carried_out("One more setting of a component")
    assert tree.files == [
        ".env.example",
        "components/product_area_scorer/config.py",
        "components/product_area_scorer/executor.py",
        "tests/components/product_area_scorer/test_executor.py",
    ]
    tree.run(SETTING, TENS_INSIGHT_MIN_AREA_ROWS="5")
    tree.test(
        f"{tree.files[-1]}::test_pairs_with_few_rows_are_left_out",
        "tests/pipeline/test_settings.py",
        TEST_DATABASE_URL=postgres_server.url(),
    )
