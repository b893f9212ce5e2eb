"""Two models on one snapshot, and where a model comes from, with real SavedModels."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.errors import UnknownModel
from components.model_gate.decision_file import Decision, JudgedHorizon
from components.model_review.sections.compared import Difference, Pair
from components.model_review.sections.estimates import Estimate
from components.publishing.published import PublishedWith
from pipeline.cli import run_cli
from pipeline.registry.comparison import compare_models
from pipeline.registry.lineage import show_model
from pipeline.registry.listing import list_models
from pipeline.runs.record import KILLED, RUNNING, TRAIN, RunRecord, RunRecords
from pipeline.text.models import comparison_lines, detail_lines
from serving_model.evaluation import metrics
from serving_model.evaluation.ranking import FirstAccounts, FirstDifference
from serving_model.served.interface import PROBABILITY, SERVING
from serving_model.served.model_card import write_card
from serving_model.served.model_hash import saved_model_sha256
from transforms.event_spec import (
    ACCOUNT_ID,
    CUSTOMER_TIER,
    DAYS_SINCE_LAST_EVENT,
    LABEL,
    LIFETIME_COUNT,
    REGION,
    TENURE_DAYS,
)

A, B = "20260501-aaaaaaaa", "20260601-bbbbbbbb"
SILENCE = "silence"


class Linear(tf.Module):
    """Answers slope x silence / 100 + offset."""

    def __init__(self, slope: float, offset: float):
        super().__init__()
        self.slope, self.offset = tf.constant(slope), tf.constant(offset)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        kinds = {ACCOUNT_ID: tf.string, SILENCE: tf.float32}
        spec = {name: tf.io.FixedLenFeature([1], kind) for name, kind in kinds.items()}
        raw = tf.io.parse_example(examples, spec)
        probability = self.slope * raw[SILENCE] / 100 + self.offset
        return {ACCOUNT_ID: raw[ACCOUNT_ID], PROBABILITY: probability}


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    def make(slope: float, offset: float) -> Path:
        folder = tmp_path_factory.mktemp("model")
        module = Linear(slope, offset)
        saved = str(folder / "Format-Serving")
        tf.saved_model.save(module, saved, signatures={SERVING: module.serve})
        write_card(saved, {"slope": slope})
        return folder

    return make


@pytest.fixture(scope="module")
def rising(export: Callable[..., Path]) -> Path:
    return export(1.0, 0.0)


@pytest.fixture(scope="module")
def falling(export: Callable[..., Path]) -> Path:
    return export(-1.0, 1.0)


def write_eval(uri: Path) -> None:
    """100 accounts, of 0 to 99 days of silence; those of 50 and more churned.

    Those of an even number of days are free, the others pro; 20 of them lie in the EU.
    """
    folder = uri / "Split-eval"
    folder.mkdir(parents=True)
    path = str(folder / "data_tfrecord-00000-of-00001.gz")
    with tf.io.TFRecordWriter(path, tf.io.TFRecordOptions(compression_type="GZIP")) as writer:
        for days in np.random.default_rng(0).permutation(100).tolist():
            example = tf.train.Example()
            example.features.feature[ACCOUNT_ID].bytes_list.value.append(f"ACC-{days:02}".encode())
            example.features.feature[SILENCE].float_list.value.append(days)
            example.features.feature[LABEL].int64_list.value.append(int(days >= 50))
            tier, region = (b"free", b"pro")[days % 2], b"EU" if days % 5 == 0 else b"NA"
            example.features.feature[CUSTOMER_TIER].bytes_list.value.append(tier)
            example.features.feature[REGION].bytes_list.value.append(region)
            example.features.feature[TENURE_DAYS].float_list.value.append(400)
            example.features.feature[DAYS_SINCE_LAST_EVENT].float_list.value.append(days)
            example.features.feature[LIFETIME_COUNT].float_list.value.append(9)
            writer.write(example.SerializeToString())


@pytest.fixture
def shelf(sqlite_shelf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A store whose Examples have files of their own."""
    whole = sqlite_shelf.artifact

    def artifact(type_name: str, uri: str, *rest: Any) -> int:
        moved = uri.replace("/nowhere", str(tmp_path / "root"))
        if type_name == "Examples":
            write_eval(Path(moved))
        return whole(type_name, moved, *rest)

    monkeypatch.setattr(sqlite_shelf, "artifact", artifact)
    return sqlite_shelf


@pytest.fixture
def two(shelf: Any, rising: Path, falling: Path) -> Any:
    settings = [json.dumps({"l2": l2, "seed": 20, "state": "x"}) for l2 in (0.05, 0.1)]
    shelf.train(A, blessed=True, uri=str(falling), settings=settings[0])
    later = {"eval_cutoffs": "2026-05-02T00:00:00+00:00", "as_of": "2026-07-01T00:00:00+00:00"}
    shelf.train(B, blessed=True, uri=str(rising), settings=settings[1], **later)
    return shelf


def test_metrics_stand_side_by_side_on_the_newer_ones_snapshot(two: Any) -> None:
    found = compare_models(two.registry, A, B, top=3)
    assert found.evaluation is not None
    assert (found.evaluation.version, found.evaluation.cutoff[:10]) == (B, "2026-05-02")
    assert (found.evaluation.accounts, found.evaluation.churned) == (100, 50)
    by_name = found.evaluation.metrics
    assert list(by_name) == ["auc", "pr_auc", "log_loss", "calibration_error"]
    auc = by_name["auc"]
    assert (auc.a, auc.b, auc.difference) == (0.0, 1.0, Estimate(1.0, (1.0, 1.0)))
    days = np.arange(100)
    churned, probability = (days >= 50).astype(float), days / 100
    assert by_name["log_loss"].b == pytest.approx(metrics.log_loss(churned, probability), abs=1e-6)
    assert by_name["log_loss"].difference.interval[1] < 0
    # The falling model ranks those who stay first, and then 25 of the 50 who do not.
    assert found.evaluation.contacts_for_half == (75, 25)
    assert found.settings == (Difference("l2", 0.05, 0.1),)
    assert {one.name for one in found.data} == {"as_of", "eval_cutoffs"}


def test_slices_are_told_apart_where_they_have_enough_of_both(two: Any) -> None:
    found = compare_models(two.registry, A, B, top=0)
    assert found.evaluation is not None
    by_name = {pair.name: pair for pair in found.evaluation.slices}
    assert {name: (pair.accounts, pair.churned) for name, pair in by_name.items()} == {
        "customer_tier free": (50, 25),
        "customer_tier pro": (50, 25),
        "region EU": (20, 10),
        "region NA": (80, 40),
        "state new": (0, 0),
        "state active": (100, 50),
        "state quiet": (0, 0),
        "state silent": (0, 0),
    }
    told = {name for name, pair in by_name.items() if not pair.too_little}
    assert told == {"region NA", "state active"}
    america = by_name["region NA"]
    assert america.auc == Pair(0.0, 1.0, Estimate(1.0, (1.0, 1.0)))
    assert "10 churned and 10 stayed, at least 30" in by_name["region EU"].too_little


def test_the_snapshot_does_not_depend_on_the_order_of_the_versions(two: Any) -> None:
    there, back = (compare_models(two.registry, *pair, top=0) for pair in ((A, B), (B, A)))
    assert there.evaluation is not None
    assert back.evaluation is not None
    assert there.evaluation.version == back.evaluation.version == B
    for name, pair in there.evaluation.metrics.items():
        one, other = pair.difference, back.evaluation.metrics[name].difference
        assert one.value == -other.value
        assert one.interval == pytest.approx((-other.interval[1], -other.interval[0]))


def test_the_accounts_that_move_most_come_first(two: Any) -> None:
    found = compare_models(two.registry, A, B, top=4)
    assert found.evaluation is not None
    moved = found.evaluation.moved
    assert moved[0].account_id == "ACC-00"
    assert {one.account_id for one in moved[1:3]} == {"ACC-01", "ACC-99"}
    assert (moved[0].category_before, moved[0].category_after) == ("critical", "low")
    assert [one.churned for one in moved] == [one.account_id == "ACC-99" for one in moved]
    lines = [line.split() for line in comparison_lines(found)]
    assert "ACC-99 1.0% 99.0% +98.0% low to critical churned".split() in lines


def test_a_model_does_not_differ_from_itself(two: Any) -> None:
    found = compare_models(two.registry, B, B, top=1)
    assert found.evaluation is not None
    assert {pair.difference for pair in found.evaluation.metrics.values()} == {
        Estimate(0.0, (0.0, 0.0))
    }
    assert (found.data, found.settings) == ((), ())


def test_the_page_of_two_models_is_written_beside_the_registry(
    two: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_cli(["report", "--compare", A, B]) == 0
    page = tmp_path / "reports" / f"compare-{A}-{B}.html"
    assert capsys.readouterr().out == f"{page}\n"
    said = page.read_text(encoding="utf-8")
    assert "B is better in ranking (AUC)" in said
    assert "with the first 25 contacts of 100, and A with the first 75" in said
    assert "ACC-99" in said
    monkeypatch.setenv("TENS_INSIGHT_REVIEW_ACCOUNTS", "false")
    assert run_cli(["report", "--compare", A, B]) == 0
    assert "ACC-" not in page.read_text(encoding="utf-8")


def test_the_page_of_a_model_and_itself(two: Any, tmp_path: Path) -> None:
    assert run_cli(["report", "--compare", B, B]) == 0
    said = (tmp_path / "reports" / f"compare-{B}-{B}.html").read_text(encoding="utf-8")
    assert "A and B are one model." in said


@pytest.mark.parametrize(
    "properties", [{"horizon_days": 30}, {"label_source": "inactivity"}, {"max_events": 9}]
)
def test_models_of_other_snapshots_are_not_compared(
    two: Any, rising: Path, properties: dict[str, Any]
) -> None:
    two.train("20260701-cccccccc", blessed=True, uri=str(rising), **properties)
    found = compare_models(two.registry, A, "20260701-cccccccc", top=3)
    ((name, value),) = properties.items()
    assert found.evaluation is None
    assert name in found.not_compared
    assert str(value) in found.not_compared
    assert name in {one.name for one in found.data}
    assert "Not compared on one evaluation set. They learnt from" in "\n".join(
        comparison_lines(found)
    )


def test_files_that_are_gone_are_named(two: Any, tmp_path: Path) -> None:
    two.train("20260701-cccccccc", blessed=True, uri=str(tmp_path / "no-model"))
    found = compare_models(two.registry, A, "20260701-cccccccc", top=3)
    assert "files of model 20260701-cccccccc are gone" in found.not_compared
    shutil.rmtree(tmp_path / "root")
    found = compare_models(two.registry, A, B, top=3)
    assert f"evaluation set of {B} are gone" in found.not_compared
    assert found.settings == (Difference("l2", 0.05, 0.1),)


def test_a_training_run_that_was_killed_is_shown_as_killed(two: Any, tmp_path: Path) -> None:
    """ML Metadata takes it for complete: all nodes that began came to their end."""
    ml_metadata_alone = show_model(two.registry, B, None).run
    assert ml_metadata_alone is not None
    assert ml_metadata_alone.state != KILLED
    records, began = RunRecords(tmp_path / "runs"), ml_metadata_alone.started_at
    records.write(RunRecord(ml_metadata_alone.run_id, TRAIN, RUNNING, began))
    shown = show_model(two.registry, B, None, records)
    assert shown.run == replace(ml_metadata_alone, state=KILLED)
    assert ", killed" in "\n".join(detail_lines(shown))


def test_show_leads_from_the_version_to_everything(two: Any, rising: Path) -> None:
    digest = saved_model_sha256(str(rising / "Format-Serving"))
    version = "20260701-cccccccc"
    model = two.train(
        version,
        blessed=None,
        uri=str(rising),
        saved_model_sha256=digest,
        settings='{"l2": 0.7, "seed": 20}',
    )
    said_by_gate = {"summary": "good", "auc": 0.7, "log_loss": 0.2}
    (blessing,) = two.store.get_artifacts_by_id([two.bless("run-3", model, True, **said_by_gate)])
    details = show_model(two.registry, version, {version: PublishedWith(7, None)})  # type: ignore[arg-type]
    assert details.run is not None
    assert (details.run.run_id, details.run.pipeline) == ("run-3", "tens-insight-train")
    assert details.examples is not None
    assert details.examples.uri.endswith("root/run-3/examples")
    assert details.examples_present
    assert details.exported.found == "as recorded"
    assert details.metrics == {"auc": 0.7, "log_loss": 0.2}
    said = "\n".join(detail_lines(details))
    assert "gate           good" in said
    assert "l2=0.7; the other 1 at their defaults" in said
    assert "800 examples (2 cutoffs from 2026-01-01 to 2026-02-01), 80 churned" in said
    folder = Path(blessing.uri)
    folder.mkdir(parents=True)
    decision = Decision(
        blessed=True,
        summary="BLESSED: all",
        model_version=version,
        champion_version=None,
        eval={},
        training={},
        checks=(),
        metrics={"challenger": {"auc": 0.71, "pr_auc": 0.3, "log_loss": None}},
        slices=[],
        calibration=[],
        horizons=[
            JudgedHorizon(60, "", 800, 80, 0.71, (0.65, 0.77), 0.05, 0.064, 0.02, 0.00001),
            JudgedHorizon(90, "its window is not closed", 0, 0),
        ],
        first_accounts=[
            FirstAccounts("challenger", 100, 38.0, 0.38, (0.3, 0.46), 0.25, (0.2, 0.3)),
            FirstAccounts("recency", 100, 20.5, 0.205, (0.1, 0.3), 0.13, (0.1, 0.2)),
            FirstAccounts("cold_start_rule", 100, 24, 0.24, (0.1, 0.3), 0.15, (0.1, 0.2)),
        ],
        first_differences=[
            FirstDifference("recency", 100, 17.5, (4.0, 31.0)),
            FirstDifference("cold_start_rule", 100, 14, (2.0, 26.0)),
        ],
    )
    (folder / "decision.json").write_text(decision.as_json())
    details = show_model(two.registry, version, None)
    assert (details.decision, details.decision_file) == (
        "BLESSED: all",
        f"{folder}/decision.json",
    )
    assert details.metrics == {"auc": 0.71, "pr_auc": 0.3}
    said = "\n".join(detail_lines(details))
    assert (
        "horizons       within 60 days: AUC 0.710 [0.650, 0.770], 5.00% predicted, 6.40% observed "
        "(P below 0.0001), 800 accounts"
    ) in said
    assert "within 90 days: not judged, its window is not closed" in said
    assert (
        "first accounts the first 100: 38 churned, precision 38.0% [30.0%, 46.0%], recall 25.0% "
        "[20.0%, 30.0%]; by recency 20.5, difference +17.5 [+4.0, +31.0]; "
        "by the cold-start rule 24, difference +14.0 [+2.0, +26.0]"
    ) in said
    judged = details.as_json()["judged"]
    assert judged["horizons"][1]["not_judged"] == "its window is not closed"
    assert judged["first_accounts"][0]["churned"] == 38.0
    assert list_models(two.registry, None)[0].auc == 0.71


def test_what_nobody_recorded_is_not_made_up(two: Any) -> None:
    details = show_model(two.registry, B, None)
    assert details.metrics == {}
    assert "metrics        -" in "\n".join(detail_lines(details))
    assert details.exported.found == "not recorded"


def test_a_model_whose_files_changed_or_went_is_found_out(
    two: Any, rising: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(rising, copy)
    digest = saved_model_sha256(str(copy / "Format-Serving"))
    version = "20260701-cccccccc"
    two.train(version, blessed=True, uri=str(copy), saved_model_sha256=digest)
    (copy / "Format-Serving" / "assets.extra" / "model_card.json").write_text('{"slope": 2}')
    details = show_model(two.registry, version, None)
    assert details.exported.found == "differs"
    assert f"{digest} (WARNING: differs)" in "\n".join(detail_lines(details))
    shutil.rmtree(copy)
    details = show_model(two.registry, version, None)
    assert details.exported.found == "gone"


def test_an_unknown_version_is_said_with_the_nearest(two: Any) -> None:
    for ask in (
        lambda: show_model(two.registry, f"{A}x", None),
        lambda: compare_models(two.registry, B, f"{A}x", 1),
    ):
        with pytest.raises(UnknownModel, match=f"Did you mean {A}"):
            ask()
