"""The vocabularies of an exported model, and what a spelling does to its answer."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from serving_model.served.predict import ModelScorer, read_vocabularies
from transforms import columns
from transforms import event_spec as spec

OPEN = (
    spec.CUSTOMER_TIER,
    spec.REGION,
    columns.PRODUCT_AREA.feature,
    columns.SOURCE.feature,
    columns.TOPIC.feature,
)


def rewritten(serialized: bytes, change) -> bytes:
    example = tf.train.Example.FromString(serialized)
    for name in OPEN:
        values = example.features.feature[name].bytes_list.value
        values[:] = [change(place, value) for place, value in enumerate(values)]
    return example.SerializeToString()


def spelled(place: int, value: bytes) -> bytes:
    text = value.decode()
    return (text.upper(), f" {text}", f"{text}\t", text.title())[place % 4].encode()


def test_the_vocabularies_are_those_of_training(world: SimpleNamespace) -> None:
    found = read_vocabularies(world.model)
    assert found["tier"] == {b"free", b"pro", b"enterprise"}
    assert found["region"] == {b"eu", b"na"}
    assert found["source"] == {b"zendesk", b"email", b"chat"}
    assert {b"billing", "ü-ß".encode()} < found["area"]
    assert len(found["topic"]) == 24


def test_a_model_without_vocabularies_has_none(tmp_path: Path) -> None:
    assert read_vocabularies(tmp_path) == {}


def test_a_spelling_does_not_change_the_answer(world: SimpleNamespace, scorer: ModelScorer) -> None:
    # Upper case of ß is SS, which is another word.
    kept = [one for one in world.scored[:400] if "ß".encode() not in one]
    assert len(kept) > 100
    found, expected = (
        scorer.score(some)[1] for some in ([rewritten(one, spelled) for one in kept], kept)
    )
    np.testing.assert_array_equal(found, expected)


def test_unknown_words_are_all_alike(world: SimpleNamespace, scorer: ModelScorer) -> None:
    some = world.scored[:100]
    one, other = (
        scorer.score([rewritten(each, lambda *_, word=word: word) for each in some])[1]
        for word in (b"never seen", b"seen never")
    )
    np.testing.assert_array_equal(one, other)
    _, known = scorer.score(some)
    assert not np.array_equal(one, known)


@pytest.mark.parametrize("trailing", ["", "/"])
def test_a_folder_may_end_with_a_slash(world: SimpleNamespace, trailing: str) -> None:
    assert set(read_vocabularies(f"{world.model}{trailing}")) == {
        "area", "source", "topic", "tier", "region",
    }  # fmt: skip
