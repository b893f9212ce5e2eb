"""docs/extending.md is true: each recipe is carried out, counted and run."""

FEATURE = """
import numpy as np, tensorflow as tf
from transforms.account_features import account_features, feature_names
from transforms.history import no_history
from transforms.reason_groups import feature_groups, group_of
from transforms.rhythm import rhythm_blocks

one = tf.constant([1.0], tf.float64)
history = no_history()._replace(
    tenure=one * 100, silence=one * 5, lifetime=tf.ones([1, 3], tf.float64),
    rows=tf.zeros([2], tf.int64), newer=tf.constant([1, 0], tf.int64),
    age=tf.constant([20, 5], tf.float64), negative=tf.constant([1, 0], tf.float64),
    positive=tf.zeros([2], tf.float64), critical=tf.ones([2], tf.float64),
)
recency = rhythm_blocks(history._replace(columns={"priority": tf.ones([2], tf.float64)}))[0]
found = dict(zip(recency.names, recency.values.numpy()[0]))
assert abs(np.expm1(found["since_alarm"]) - 20) < 1e-9, found
assert abs(np.expm1(found["since_critical"]) - 5) < 1e-9, found
assert feature_groups()[feature_names().index("since_alarm")] == "urgency"
"""


def test_one_more_feature(carried_out):
    tree = carried_out("One more feature of today's events")
    assert tree.files == ["transforms/rhythm.py", "transforms/reason_groups.py"]
    tree.run(FEATURE)
