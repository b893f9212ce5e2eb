"""docs/extending.md is true: each recipe is carried out, counted and run."""

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
from components.account_scorer.scored_batch import COLUMNS
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
