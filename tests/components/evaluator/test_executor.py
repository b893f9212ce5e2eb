"""Evaluator beside TFX's own on real artifacts: the same files, and nothing is decided."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.writers import eval_config_writer
from tfx.components.evaluator.executor import Executor as TfxExecutor
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components.evaluator.executor import Executor
from components.model_gate.evaluation_set import read_labels, read_serialized
from pipeline.evaluation import eval_config
from serving_model.evaluation.metrics import auc
from serving_model.served.predict import ModelScorer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="judged")]

FILES = ("plots-00000-of-00001", "attributions-00000-of-00001", "validations")


def artifact(kind: type, folder: Path) -> Any:
    made = kind()
    made.uri = str(folder)
    return made


@pytest.fixture(scope="module", name="evaluate")
def evaluate_fixture(judged: SimpleNamespace, beam_executor: Any) -> Any:
    """Runs an executor of Evaluator on the world of the gate's tests, and reads its result."""

    def evaluate(
        folder: Path, executor: type = Executor, without: str = "", config: Any = None
    ) -> Any:
        names = {"examples", "model", "baseline_model"} - {without}
        inputs = {name: judged.inputs[name] for name in names}
        inputs["schema"] = [artifact(standard_artifacts.Schema, judged.root / "schema")]
        (folder / "blessing").mkdir()
        evaluation = folder / "evaluation"
        outputs = {
            "evaluation": [artifact(standard_artifacts.ModelEvaluation, evaluation)],
            "blessing": [artifact(standard_artifacts.ModelBlessing, folder / "blessing")],
        }
        properties = {
            "eval_config": proto_utils.proto_to_json(config or eval_config()),
            "example_splits": '["eval"]',
            "fairness_indicator_thresholds": "null",
        }
        beam_executor(executor).Do(inputs, outputs, properties)
        assert list((folder / "blessing").iterdir()) == []
        return tfma.load_eval_result(str(evaluation))

    return evaluate


@pytest.fixture(scope="module")
def ours(evaluate: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The folder and the result of both models."""
    folder = tmp_path_factory.mktemp("ours")
    return folder, evaluate(folder)


def metrics_of(result: Any) -> dict[Any, dict[str, float]]:
    """By slice and metric."""
    return {
        key: {name: value["doubleValue"] for name, value in found[""][""].items()}
        for key, found in result.slicing_metrics
    }


def models_of(folder: Path) -> dict[str, str]:
    """By name. An EvalResult has the path of one of them, which one differs between processes."""
    return dict(eval_config_writer.load_eval_run(str(folder / "evaluation"))[3])


def records(folder: Path, name: str) -> list[bytes]:
    files = tf.data.TFRecordDataset(str(folder / "evaluation" / f"{name}.tfrecord"))
    return sorted(files.as_numpy_iterator())


def test_it_writes_what_tfx_writes_of_both_models_and_blesses_nothing(
    judged: SimpleNamespace, evaluate: Any, ours: tuple[Path, Any], tmp_path: Path
) -> None:
    folder, result = ours
    theirs = evaluate(tmp_path, TfxExecutor)
    found, expected = metrics_of(result), metrics_of(theirs)
    assert found.keys() == expected.keys()
    assert {(), (("customer_tier", "pro"),), (("region", "EU"),)} <= found.keys()
    for key, metrics in expected.items():
        # TFX adds examples up in an order of its own.
        assert found[key] == pytest.approx(metrics, rel=1e-12, abs=1e-12), key
    assert result.config == theirs.config
    assert models_of(folder) == models_of(tmp_path)
    assert len(models_of(folder)) == 2
    for name in FILES:
        assert records(folder, name) == records(tmp_path, name), name
    serialized = read_serialized(f"{judged.inputs['examples'][0].uri}/Split-eval")
    answers = ModelScorer(f"{judged.inputs['model'][0].uri}/Format-Serving").score(serialized)[1]
    assert found[()]["auc"] == pytest.approx(auc(read_labels(serialized), answers), abs=2e-3)
    assert found[()]["auc_diff"] != 0


def test_a_model_alone_is_measured_as_beside_another(
    evaluate: Any, ours: tuple[Path, Any], tmp_path: Path
) -> None:
    alone, beside = evaluate(tmp_path, without="baseline_model"), metrics_of(ours[1])
    assert [one.name for one in alone.config.model_specs] == [""]
    for key, metrics in metrics_of(alone).items():
        assert "auc_diff" not in metrics
        assert metrics == {name: beside[key][name] for name in metrics}


def with_threshold(config: Any) -> None:
    metric = config.metrics_specs[0].metrics[1]
    metric.threshold.value_threshold.lower_bound.value = 0.5


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (with_threshold, "thresholds"),
        (lambda config: setattr(config.metrics_specs[0], "query_key", "region"), "query_key"),
        (
            lambda config: config.slicing_specs.append(
                config_pb2.SlicingSpec(feature_keys=["priority"])
            ),
            r"\['priority'\]",
        ),
    ],
)
def test_what_it_does_not_compute_is_refused_and_nothing_written(
    evaluate: Any, tmp_path: Path, change: Any, named: str
) -> None:
    config = eval_config()
    change(config)
    with pytest.raises(ValueError, match=named):
        evaluate(tmp_path, config=config)
    assert not (tmp_path / "evaluation").exists()
