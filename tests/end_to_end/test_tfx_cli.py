"""The way that TFX's own users expect."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="house")]

ROOT = Path(__file__).parents[2]
TFX = Path(sys.executable).with_name("tfx")


def test_create_and_run_through_the_tfx_cli(
    house, tmp_path, settings_for_small_worlds, published_by_training, published_by_scoring
):
    environment = {
        **os.environ,
        **settings_for_small_worlds,
        "DATABASE_URL": house.url,
        "TENS_INSIGHT_STATE_DIR": str(tmp_path / "state"),
        "TENS_INSIGHT_AS_OF": house.as_of.isoformat(),
        "LOCAL_HOME": str(tmp_path),
        # As in an active environment: the CLI calls pip.
        "PATH": f"{TFX.parent}{os.pathsep}{os.environ['PATH']}",
    }

    def tfx(*arguments):
        return subprocess.run(
            [TFX, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True
        )

    runner = "pipeline/local_runner.py"
    created = tfx("pipeline", "create", "--engine=local", f"--pipeline_path={runner}")
    assert 'Pipeline "tens-insight-train" created successfully.' in created.stdout, created.stderr
    ran = tfx("run", "create", "--engine=local", "--pipeline_name=tens-insight-train")
    assert ran.returncode == 0, ran.stderr
    published = house.query("SELECT * FROM account_risk_scores ORDER BY account_id")
    assert {row[5] for row in published}.isdisjoint({row[5] for row in published_by_scoring})
    probabilities = [[row[1] for row in rows] for rows in (published, published_by_training)]
    np.testing.assert_allclose(*probabilities, atol=1e-6)
    assert list((tmp_path / "state" / "serving").rglob("saved_model.pb"))
    log = created.stdout + created.stderr + ran.stdout + ran.stderr
    assert house.canary not in log
