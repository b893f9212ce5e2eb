"""ModelScorer answers in order, in batches, and refuses what is not our model."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from serving_model.served.interface import SERVING
from serving_model.served.model_card import write_card
from serving_model.served.predict import EXPLAIN_BATCH, SCORE_BATCH, ModelScorer


def test_more_than_a_batch_keeps_its_order(world: SimpleNamespace, scorer: ModelScorer) -> None:
    assert len(world.scored) > SCORE_BATCH
    accounts, probabilities = scorer.score(world.scored)
    backwards, mirrored = scorer.score(world.scored[::-1])
    assert accounts.tolist() == [f"ACC-{number:05d}" for number in range(len(world.scored))]
    assert backwards.tolist() == accounts.tolist()[::-1]
    np.testing.assert_allclose(mirrored[::-1], probabilities, atol=1e-6)
    assert probabilities.dtype == np.float64


def test_few_at_a_time_get_the_same_answers_to_the_last_bit(
    world: SimpleNamespace, scorer: ModelScorer
) -> None:
    few = ModelScorer(world.model, few_at_a_time=True)
    assert few.signatures.keys() == scorer.signatures.keys()
    for name, signature in scorer.signatures.items():
        assert few.signatures[name].structured_outputs == signature.structured_outputs
        kinds = few.signatures[name].structured_input_signature
        assert kinds == signature.structured_input_signature
    expected = scorer.explain(world.scored[:70])
    for size in (1, 7):
        asked = [few.explain(world.scored[at : at + size]) for at in range(0, 70, size)]
        for name in ("accounts", "probabilities", "contributions", "facts", "fact_words"):
            found = np.concatenate([getattr(one, name) for one in asked])
            np.testing.assert_array_equal(found, getattr(expected, name), name)
    assert few.explain([]).contributions.shape == (0, len(expected.groups))


def test_nothing_to_score_is_an_empty_answer(scorer: ModelScorer) -> None:
    accounts, probabilities = scorer.score([])
    assert accounts.shape == probabilities.shape == (0,)


def test_more_than_a_batch_is_explained_in_order(
    world: SimpleNamespace, scorer: ModelScorer
) -> None:
    assert len(world.scored) > EXPLAIN_BATCH
    found, probabilities = scorer.explain(world.scored), scorer.score(world.scored)[1]
    assert found.accounts.tolist() == scorer.score(world.scored)[0].tolist()
    np.testing.assert_allclose(found.probabilities, probabilities, atol=1e-6)
    backwards = scorer.explain(world.scored[::-1])
    np.testing.assert_array_equal(backwards.contributions[::-1], found.contributions)
    assert found.contributions.shape == (len(world.scored), len(found.groups))
    assert found.facts.shape == (len(world.scored), len(found.fact_names))
    assert found.fact_words.shape == (len(world.scored), len(found.fact_word_names))


def test_nothing_to_explain_is_an_empty_answer(scorer: ModelScorer) -> None:
    found = scorer.explain([])
    assert found.accounts.shape == found.base_log_odds.shape == (0,)
    assert found.contributions.shape == (0, len(found.groups))
    assert found.fact_words.shape == (0, len(found.fact_word_names))


def test_a_model_without_reasons_scores_but_cannot_explain(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    loaded = tf.saved_model.load(str(world.model))
    only = {SERVING: loaded.signatures[SERVING]}
    tf.saved_model.save(loaded, str(tmp_path), signatures=only)
    write_card(str(tmp_path), {"model_version": "20250101-plain"})
    plain = ModelScorer(tmp_path)
    assert len(plain.score(world.scored[:5])[1]) == 5
    with pytest.raises(ValueError, match=r"plain has the signatures .*, expected 'explain' too"):
        plain.explain(world.scored[:5])
    with pytest.raises(ValueError, match="expected 'score_features' too"):
        plain.score_features(np.zeros((1, 1), np.float32))


def test_the_card_cannot_be_changed_from_outside(scorer: ModelScorer) -> None:
    scorer.card["model_version"] = "forged"
    assert scorer.card["model_version"] == "test-1"


def test_a_folder_without_a_card_is_not_ours(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a churn model"):
        ModelScorer(tmp_path)


def test_a_card_without_a_model_is_not_enough(tmp_path: Path) -> None:
    write_card(str(tmp_path), {"model_version": "x"})
    with pytest.raises(ValueError, match="no readable SavedModel"):
        ModelScorer(tmp_path)


class Stranger(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"length": tf.strings.length(examples)}


@pytest.mark.parametrize(
    ("name", "message"), [("other", "expected 'serving_default' too"), (SERVING, "answers with")]
)
def test_the_model_of_a_stranger_is_refused(tmp_path: Path, name: str, message: str) -> None:
    stranger = Stranger()
    tf.saved_model.save(stranger, str(tmp_path), signatures={name: stranger.serve})
    write_card(str(tmp_path), {"model_version": "x"})
    with pytest.raises(ValueError, match=message):
        ModelScorer(tmp_path)
