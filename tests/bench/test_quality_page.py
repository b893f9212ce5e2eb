"""Bars are judged by the measured figures alone, and the page says what was not reached."""

from pathlib import Path

import pytest

from bench.quality_page import page
from bench.quality_result import QualityResult, read_result
from bench.quality_targets import Judged, judge
from bench.score_table import Score
from bench.verdict import REFERENCES
from tests.bench.quality_results import limited, result


def judged(results: list[QualityResult], history: str, figure: str) -> Judged:
    (found,) = (one for one in judge(results) if (one.history, one.figure) == (history, figure))
    return found


@pytest.mark.parametrize(("auc", "reached"), [(0.7499, False), (0.75, True), (0.9, True)])
def test_a_bar_from_below(auc: float, reached: bool) -> None:
    assert judged([result("online_retail", auc)], "online_retail", "AUC").reached is reached


def test_bars_of_the_world_from_above_and_from_below() -> None:
    for lead, share in ((0.009, 0.91), (0.011, 0.89)):
        results = [result("base world", limit=limited(lead, share))]
        names = ("limit minus model: AUC", "model: share of log-loss")
        found = [judged(results, "base world", name).reached for name in names]
        assert found == [lead < 0.01, share > 0.9]


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    found = judged([result("online_retail")], "cdnow", "calibration error")
    assert (found.found, found.reached) == ("not measured", None)
    assert judge([])[-1].reached is None


@pytest.mark.parametrize("reference", REFERENCES)
def test_no_history_may_lie_below_a_reference(reference: str) -> None:
    worse = Score("AUC", reference, 0.8, (0.7, 0.9), -0.04, (-0.06, -0.02))
    fine = result("another set")
    scores = [worse if (s.metric, s.model) == ("AUC", reference) else s for s in fine.scores]
    below = result("another set", scores=scores)
    figure = f"AUC, ours minus that of {reference}"
    assert judged([fine], "another set", figure).reached is True
    assert judged([below], "another set", figure).reached is False


@pytest.mark.parametrize(("seconds", "reached"), [(359.0, True), (361.0, False)])
def test_training_time_is_that_of_the_most_examples(seconds: float, reached: bool) -> None:
    large = result("large", training_examples=200_000, training_seconds=seconds)
    found = judge([result("small", training_seconds=500.0), large])[-1]
    assert (found.history, found.reached) == ("large", reached)


def test_training_on_few_examples_says_nothing_of_many() -> None:
    found = judge([result("small", training_examples=99_999, training_seconds=1.0)])[-1]
    assert (found.found, found.reached) == ("too few examples: 1 s for 99,999", None)


def test_the_page_says_all_of_it() -> None:
    results = [
        result("cdnow", auc=0.7999),
        result("base world", limit=limited(0.02, 0.95), other_labels=None),
    ]
    text = page(results, ["commit 123"])
    assert "- commit 123\n" in text
    assert "| cdnow | AUC | at least 0.806 | 0.7999 [0.7899, 0.8099] | NOT reached |\n" in text
    assert "| online_retail | AUC | at least 0.750 | not measured | not measured |\n" in text
    assert "| model: share of log-loss | 0.9500 | [0.8500, 1.0500] |\n" in text
    assert "| state silent | 3 | 1 | too little data: 1 churned | | |\n" in text
    assert "\nThe history cdnow.\n" in text
    verdicts = (f"below {one} by the paired interval: AUC no, log-loss no" for one in REFERENCES)
    assert f"Verdict: {'; '.join(verdicts)}.\n" in text
    assert "| measured on | history | pipeline | all | ModelTrainer, s |\n" in text
    assert "| cdnow | 0.1 | 1.5 | 1.6 | 30 |\n" in text
    assert f"{sum(one.reached is True for one in judge(results))} of " in text


def test_a_result_survives_its_file(tmp_path: Path) -> None:
    written = result("base world", limit=limited(0.02, 0.95))
    written.write(tmp_path / "result.json")
    assert read_result(tmp_path / "result.json") == written
