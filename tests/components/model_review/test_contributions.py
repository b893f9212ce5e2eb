"""What moves today's scores: the parts of an answer, asked of the SavedModel itself."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logit

from components.model_gate.snapshots import read_serialized
from components.model_review.contributions import contributions_of
from serving_model.reasons.group_words import group_words
from serving_model.served.predict import ModelScorer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="judged")]


def test_contributions_are_means_of_what_adds_up_to_each_score(complete: SimpleNamespace) -> None:
    loaded = tf.saved_model.load(complete.model)
    serialized = read_serialized(f"{complete.inputs['examples'].uri}/Split-score")
    answer = {
        name: value.numpy().astype(np.float64)
        for name, value in loaded.signatures["explain"](examples=tf.constant(serialized)).items()
        if value.dtype == tf.float32
    }
    parts = answer["contributions"]
    total = logit(answer["churn_probability"]) - answer["base_log_odds"]
    np.testing.assert_allclose(parts.sum(axis=1), total[:, 0], atol=1e-4)
    groups = ModelScorer(complete.model).card["reason_groups"].split(",")
    found = {one["group"]: one for one in complete.json["contributions"]}
    assert found.keys() == set(groups)
    for column, group in zip(parts.T, groups, strict=True):
        one = found[group]
        assert one["mean_absolute"] == pytest.approx(np.abs(column).mean(), abs=1e-5)
        assert one["mean"] == pytest.approx(column.mean(), abs=1e-5)
        assert one["raises"] == pytest.approx((column > 0).mean(), abs=5e-3)
        assert one["accounts"] == len(serialized)
        assert one["words"] == group_words(group)
    # What groups add on the whole is the mean of what they add up to.
    assert sum(one["mean"] for one in found.values()) == pytest.approx(total.mean(), abs=1e-4)
    shown = [one["mean_absolute"] for one in complete.json["contributions"]]
    assert shown == sorted(shown, reverse=True)


def test_one_account_is_enough(complete: SimpleNamespace) -> None:
    scorer = ModelScorer(complete.model)
    one = read_serialized(f"{complete.inputs['examples'].uri}/Split-score")[:1]
    explained = scorer.explain(one)
    by_group = dict(zip(explained.groups, explained.contributions[0], strict=True))
    for found in contributions_of(scorer, one):
        assert found.mean == pytest.approx(by_group[found.group])
        assert found.mean_absolute == pytest.approx(abs(by_group[found.group]))
        assert found.raises == (by_group[found.group] > 0)
