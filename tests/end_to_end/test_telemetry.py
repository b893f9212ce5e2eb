"""What a training and a scoring run tell those who watch them."""

import json
import subprocess
from pathlib import Path

import pytest

from pipeline.telemetry import metrics
from tests.end_to_end.conftest import CANARY, told
from tests.pipeline.telemetry.openlineage_schemas import validate
from tests.pipeline.telemetry.test_metrics import values
from tests.programs import program


def test_the_metrics_are_those_of_the_runs(installation, trained, scored):
    text = Path(told(installation)["TENS_INSIGHT_METRICS_TEXTFILE"]).read_bytes()
    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"")
    kinds = {("train",), ("score",)}
    assert values(text, metrics.EXIT_CODE.name) == dict.fromkeys(kinds, 0)
    assert set(values(text, metrics.SUCCESS.name)) == kinds
    published = scored.summary["published"]
    assert values(text, metrics.ROWS.name)[("scores",)] == published["published_count"]
    bands = values(text, metrics.ACCOUNTS.name)
    assert sum(bands.values()) == published["published_count"]
    mean = values(text, metrics.MEAN.name)[()]
    assert mean == pytest.approx(published["mean_probability"], abs=1e-6)
    nodes = values(text, metrics.NODE_DURATION.name)
    assert {("train", "ModelTrainer"), ("score", "AccountScorer")} <= set(nodes)
    assert ("other", "other") not in nodes
    assert ("estimated", "auc") in values(text, metrics.PERFORMANCE_VALUE.name)
    assert values(text, metrics.TRAINED.name)[()] == installation.as_of.timestamp()
    assert values(text, metrics.DATABASE_UP.name) == {(): 1}
    assert trained.summary["untold"] == scored.summary["untold"] == []


def test_the_events_are_those_of_the_runs(installation, trained, scored):
    file = Path(told(installation)["TENS_INSIGHT_OPENLINEAGE_FILE"])
    text = file.read_text()
    assert CANARY not in text
    events = [json.loads(line) for line in text.splitlines()]
    assert [(one["job"]["name"], one["eventType"]) for one in events] == [
        ("run_train", "START"),
        ("run_train", "COMPLETE"),
        ("run_score", "START"),
        ("run_score", "COMPLETE"),
    ]
    for event in events:
        validate(event)
        assert len(event["inputs"]) == len(event["outputs"]) == 2
        for table in (*event["inputs"], *event["outputs"]):
            assert table["facets"]["schema"]["fields"]
    for event, run in ((events[1], trained), (events[3], scored)):
        feedback, churn = (one["inputFacets"] for one in event["inputs"])
        data = run.summary["data"]
        assert feedback["inputStatistics"]["rowCount"] == data["feedback_rows"]
        assert churn["dataQualityMetrics"]["columnMetrics"]
        written = [one["outputFacets"]["outputStatistics"]["rowCount"] for one in event["outputs"]]
        counts = [run.summary[name]["published_count"] for name in ("published", "areas")]
        assert written == counts
    assert file.stat().st_mode & 0o777 == 0o600
