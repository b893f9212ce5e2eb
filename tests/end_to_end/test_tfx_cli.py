"""The way that TFX's own users expect, and what a run of our own command makes of the same data.

The world is the smallest that the gate lets through: what is tested is how things are wired.
"""

import numpy as np
import pytest

from tests.end_to_end.conftest import SCORES, SMALLEST_BLESSED
from tests.end_to_end.reviews import agrees_with_the_gate, counted

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="wiring")]

NEWEST_MODEL = (
    "SELECT model_version FROM tens_insight.publications WHERE kind = 'published'"
    " AND target_table = 'account_risk_scores' ORDER BY publication_id DESC LIMIT 1"
)


def test_create_and_run_through_the_tfx_cli(
    small_installation, run_by_tfx_cli, published_by_tfx_cli
):
    created, ran = run_by_tfx_cli
    assert 'Pipeline "tens-insight-train" created successfully.' in created.out, created.err
    assert ran.code == 0, ran.err
    assert len(published_by_tfx_cli[SCORES]) > 200
    assert list((small_installation.state_dir / "serving").rglob("saved_model.pb"))
    log = created.out + created.err + ran.out + ran.err
    assert small_installation.canary not in log


def test_training_again_gives_the_same_model_to_1e_6(
    small_installation, published_by_tfx_cli, published_by_small_scoring
):
    """By our own command, with the model of the tfx CLI as champion."""
    ((stood,),) = small_installation.query(NEWEST_MODEL)
    again = small_installation.run("run", "train", "--json", **SMALLEST_BLESSED)
    assert again.code == 0, again.err
    assert again.summary["published"]["model_version"] != stood
    rows = small_installation.query(SCORES)
    probabilities = [[row[1] for row in found] for found in (rows, published_by_tfx_cli[SCORES])]
    np.testing.assert_allclose(*probabilities, atol=1e-6)
    checks = [check["name"] for check in again.summary["gate"]["checks"]]
    assert {"auc", "auc against the champion"} <= set(checks)
    review = again.review
    agrees_with_the_gate(review, again.summary["gate"])
    scores = review["accounts"]
    assert scores["before"]["model_version"] == stood
    assert scores["before"]["categories"] == counted(published_by_small_scoring[SCORES])
    assert scores["after"]["categories"] == counted(rows)
    assert scores["common"] == sum(count for *_, count in scores["band_transitions"]) == len(rows)
