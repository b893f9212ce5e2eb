"""TFX's Evaluator on real artifacts: it measures and slices, and decides nothing."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tensorflow_model_analysis as tfma
from tfx.components.evaluator.executor import Executor
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components.model_gate.evaluation_set import read_labels, read_serialized
from pipeline.evaluation import eval_config
from serving_model.evaluation.metrics import auc
from serving_model.served.predict import ModelScorer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="judged")]


def artifact(kind: type, folder: Path) -> Any:
    made = kind()
    made.uri = str(folder)
    return made


def test_it_measures_both_models_by_slice_and_blesses_nothing(
    judged: SimpleNamespace, beam_executor: Any, tmp_path: Path
) -> None:
    (tmp_path / "blessing").mkdir()
    names = ("examples", "model", "baseline_model")
    inputs = {name: judged.inputs[name] for name in names}
    inputs["schema"] = [artifact(standard_artifacts.Schema, judged.root / "schema")]
    outputs = {
        "evaluation": [artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")],
        "blessing": [artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")],
    }
    properties = {
        "eval_config": proto_utils.proto_to_json(eval_config()),
        "example_splits": '["eval"]',
        "fairness_indicator_thresholds": "null",
    }
    beam_executor(Executor).Do(inputs, outputs, properties)
    assert list((tmp_path / "blessing").iterdir()) == []
    found = {
        key: values[""][""]
        for key, values in tfma.load_eval_result(str(tmp_path / "evaluation")).slicing_metrics
    }
    assert (("customer_tier", "pro"),) in found
    assert (("region", "EU"),) in found
    serialized = read_serialized(f"{judged.inputs['examples'][0].uri}/Split-eval")
    answers = ModelScorer(f"{judged.inputs['model'][0].uri}/Format-Serving").score(serialized)[1]
    measured = found[()]["auc"]["doubleValue"]
    assert measured == pytest.approx(auc(read_labels(serialized), answers), abs=2e-3)
    assert "auc_diff" in found[()]
