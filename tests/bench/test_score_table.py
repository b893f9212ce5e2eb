"""Paired differences and the verdict, on models whose order is known."""

import numpy as np
import pytest

from bench.score_table import METRICS, OURS, Score, print_table, score_models
from bench.verdict import REFERENCES, below, verdict_line

REFERENCE, OTHER = REFERENCES


def test_a_gap_is_ours_minus_the_others_and_paired(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.score_table.RESAMPLES", 100)
    rng = np.random.default_rng(0)
    truth = rng.beta(1, 3, 600)
    labels = (rng.random(600) < truth).astype(float)
    worse = np.clip(truth + rng.normal(0, 0.3, 600), 0.01, 0.99)
    scores = score_models(labels, {OURS: truth, REFERENCE: worse, "the same": truth.copy()})
    assert [score.metric for score in scores[::3]] == [metric.label for metric in METRICS.values()]
    by_name = {(score.metric, score.model): score for score in scores}
    assert by_name["AUC", OURS].gap is None
    assert by_name["AUC", "the same"].gap_interval == (0, 0)
    gap = by_name["AUC", OURS].value - by_name["AUC", REFERENCE].value
    assert by_name["AUC", REFERENCE].gap == pytest.approx(gap)
    assert gap > 0 > by_name["log-loss", REFERENCE].gap
    assert below(scores, REFERENCE) == {"AUC": False, "log-loss": False}
    turned = score_models(labels, {OURS: worse, REFERENCE: truth})
    assert below(turned, REFERENCE) == {"AUC": True, "log-loss": True}
    print_table(scores)
    assert f"{gap:+.4f}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("auc_gap", "loss_gap", "line"),
    [
        ((-0.03, -0.001), (-0.02, -0.01), "AUC yes, log-loss no"),
        ((-0.03, 0.001), (-0.02, 0.01), "AUC no, log-loss no"),
        ((0.01, 0.03), (0.001, 0.02), "AUC no, log-loss yes"),
    ],
)
def test_below_means_the_whole_interval(
    auc_gap: tuple[float, float], loss_gap: tuple[float, float], line: str
) -> None:
    scores = [
        Score("AUC", REFERENCE, 0.7, (0.6, 0.8), 0.0, auc_gap),
        Score("log-loss", REFERENCE, 0.5, (0.4, 0.6), 0.0, loss_gap),
        Score("AUC", OTHER, 0.7, (0.6, 0.8), 0.0, (-0.01, 0.01)),
        Score("log-loss", OTHER, 0.5, (0.4, 0.6), 0.0, (-0.01, 0.01)),
    ]
    said = f"below {REFERENCE} by the paired interval: {line}"
    assert verdict_line(scores).split("; ")[0] == said
    assert verdict_line(scores).endswith(
        f"; below {OTHER} by the paired interval: AUC no, log-loss no"
    )


def test_a_reference_that_was_not_measured_is_no_victory() -> None:
    with pytest.raises(ValueError, match="not measured"):
        below([Score("AUC", OURS, 0.7, (0.6, 0.8), None, None)], REFERENCE)
