"""What the trainer holds of labelled examples is what lies in their files."""

from types import SimpleNamespace

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from serving_model.learning.labelled_examples import load_examples
from transforms import event_spec as spec


def test_labels_come_through_the_transform_graph_as_they_are(world: SimpleNamespace) -> None:
    found = load_examples([world.pattern], tft.TFTransformOutput(world.graph))
    names = (spec.CUTOFF, spec.ACCOUNT_ID, *spec.LABELS)
    kept = {name: spec.raw_feature_spec(with_label=True)[name] for name in names}
    raw = {
        name: values.numpy() for name, values in tf.io.parse_example(world.examples, kept).items()
    }
    order = np.lexsort((raw[spec.ACCOUNT_ID].astype("S"), raw[spec.CUTOFF]))
    in_order = {name: values[order].tolist() for name, values in raw.items()}
    assert found.cutoffs.tolist() == in_order[spec.CUTOFF]
    assert found.accounts.tolist() == in_order[spec.ACCOUNT_ID]
    assert found.labels.tolist() == in_order[spec.LABEL]
    assert found.days_to_churn.tolist() == in_order[spec.DAYS_TO_CHURN]
    assert found.days_observed.tolist() == in_order[spec.DAYS_OBSERVED]
    assert found.days_to_churn.dtype == found.days_observed.dtype == np.float32
    assert {-1.0} < set(in_order[spec.DAYS_TO_CHURN])
