"""The way that TFX's own users expect, on the data that a run of our own command had before."""

import json
import os

import numpy as np
import pytest

from tests.end_to_end.conftest import ROOT, SCORES, SMALLEST_BLESSED, TFX
from tests.end_to_end.reviews import agrees_with_the_gate, counted
from tests.forked_command import run_fresh

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="wiring")]

PIPELINE = "tens-insight-train"
NEWEST_MODEL = (
    "SELECT model_version FROM tens_insight.publications WHERE kind = 'published'"
    " AND target_table = 'account_risk_scores' ORDER BY publication_id DESC LIMIT 1"
)


@pytest.fixture(scope="module")
def installation_copy(copy_of_installation, tmp_path_factory):
    with copy_of_installation(tmp_path_factory.mktemp("copy") / "state") as made:
        yield made


@pytest.fixture(scope="module")
def run_by_tfx_cli(installation_copy, tmp_path_factory):
    """`tfx pipeline create` and `tfx run create` of the training pipeline, finished."""
    environment = {
        **installation_copy.environment(SMALLEST_BLESSED),
        "LOCAL_HOME": str(tmp_path_factory.mktemp("tfx")),
        # As in an active environment: the CLI calls pip.
        "PATH": f"{TFX.parent}{os.pathsep}{os.environ['PATH']}",
    }

    def tfx(*arguments):
        return run_fresh([TFX, *arguments], environment, ROOT)

    runner = "pipeline/local_runner.py"
    created = tfx("pipeline", "create", "--engine=local", f"--pipeline_path={runner}")
    ran = tfx("run", "create", "--engine=local", f"--pipeline_name={PIPELINE}")
    return created, ran


def _newest(installation, node, name):
    """Returns what the newest run of a node wrote in a JSON file."""
    written = (installation.state_dir / "pipeline_root" / PIPELINE / node).rglob(name)
    return json.loads(max(written, key=lambda path: path.stat().st_mtime).read_text())


def test_create_and_run_through_the_tfx_cli(installation_copy, run_by_tfx_cli):
    created, ran = run_by_tfx_cli
    assert f'Pipeline "{PIPELINE}" created successfully.' in created.out, created.err
    assert ran.code == 0, ran.err
    assert len(installation_copy.query(SCORES)) > 200
    assert len(list((installation_copy.state_dir / "serving").rglob("saved_model.pb"))) == 2
    log = created.out + created.err + ran.out + ran.err
    assert installation_copy.canary not in log


def test_training_again_gives_the_same_model_to_1e_6(
    installation_copy, trained, published_by_training, published_by_scoring, run_by_tfx_cli
):
    """With the model of our own command as champion."""
    stood = trained.summary["published"]["model_version"]
    assert installation_copy.query(NEWEST_MODEL) != [(stood,)]
    rows = installation_copy.query(SCORES)
    probabilities = [[row[1] for row in found] for found in (rows, published_by_training)]
    np.testing.assert_allclose(*probabilities, atol=1e-6)
    gate = _newest(installation_copy, "ModelGate", "decision.json")
    assert {"auc", "auc against the champion"} <= {check["name"] for check in gate["checks"]}
    review = _newest(installation_copy, "ModelReview", "review.json")
    agrees_with_the_gate(review, gate)
    scores = review["accounts"]
    assert scores["before"]["model_version"] == stood
    assert scores["before"]["categories"] == counted(published_by_scoring)
    assert scores["after"]["categories"] == counted(rows)
    assert scores["common"] == sum(count for *_, count in scores["band_transitions"]) == len(rows)
