"""What is found in the training examples, beside tf.Transform's own analyzers."""

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tfx_bsl.public.tfxio import TFExampleRecord

from components.feedback_example_gen import example_batches as module
from components.transform.analyse import analyse
from transforms import event_spec as spec
from transforms.account_features import account_features
from transforms.analysis import Analysis, Moments, word_files, write_words, z_scores
from transforms.history import history_of
from transforms.lifetime import life_of
from transforms.normalisation import normalised
from transforms.schema import load_schema
from transforms.thresholds import CRITICAL_PRIORITY
from transforms.vocabularies import VOCABULARIES, event_slots, spelled_words


@pytest.fixture(scope="module")
def split(judged: Any) -> str:
    """The folder of the training examples of a simulated world."""
    (examples,) = judged.inputs["examples"]
    return f"{examples.uri}/Split-train"


@pytest.fixture(scope="module")
def found(split: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of their analysis."""
    folder = tmp_path_factory.mktemp("analysis")
    analyse([split], str(folder), CRITICAL_PRIORITY)
    return folder


def test_words_and_moments_are_those_of_tf_transform_to_the_last_bit(
    split: str, found: Path, tmp_path: Path
) -> None:
    files = word_files(str(found))

    def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
        history = history_of(inputs, CRITICAL_PRIORITY)
        life = life_of(inputs, files)
        matrix, _ = account_features(history, life, event_slots(inputs, files))
        scores = tft.scale_to_z_score(matrix, elementwise=True)
        for name, words in VOCABULARIES.items():
            spelled = normalised(spelled_words(inputs, words.column))
            tft.vocabulary(spelled, top_k=words.size, vocab_filename=name, name=name)
        # An output may not be float64; its bits may.
        return {"scores": tf.bitcast(scores, tf.int64), "raw": tf.bitcast(matrix, tf.int64)}

    source = TFExampleRecord(f"{split}/*", schema=load_schema(), telemetry_descriptors=["test"])
    with (
        beam.Pipeline(runner=FnApiRunner()) as pipeline,
        tft_beam.Context(temp_dir=str(tmp_path / "tmp")),
    ):
        raw = pipeline | source.BeamSource(batch_size=module._LARGEST_BATCH)
        graph = (raw, source.TensorAdapterConfig()) | tft_beam.AnalyzeDataset(preprocessing_fn)
        _ = graph | tft_beam.WriteTransformFn(str(tmp_path / "graph"))
    theirs = tft.TFTransformOutput(str(tmp_path / "graph"))
    for name, path in files.items():
        expected = Path(theirs.vocabulary_file_by_name(name)).read_bytes()
        assert Path(path).read_bytes() == expected
    (batch,) = module.example_batches([str(next(Path(split).iterdir()))])
    raw_spec = spec.raw_feature_spec(with_label=True)
    seen = theirs.transform_raw_features(tf.io.parse_example(tf.constant(batch), raw_spec))
    ours = z_scores(tf.bitcast(seen["raw"], tf.float64), Analysis.read(str(found)))
    assert np.array_equal(ours, tf.bitcast(seen["scores"], tf.float64))


def test_batches_do_not_change_what_is_found(
    split: str, found: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH_BYTES", 300_000)
    monkeypatch.setattr(module, "_LARGEST_BATCH", 100)
    files = sorted(map(str, Path(split).iterdir()))
    batches = list(module.example_batches(files))
    assert len(batches) > 10
    assert max(len(batch) for batch in batches) <= 100
    assert max(sum(map(len, batch)) for batch in batches) <= 300_000
    assert [one for batch in batches for one in batch] == list(module._records(files))
    analyse([split], str(tmp_path), CRITICAL_PRIORITY)
    for name in VOCABULARIES:
        assert (tmp_path / name).read_bytes() == (found / name).read_bytes()
    once, often = Analysis.read(str(found)), Analysis.read(str(tmp_path))
    np.testing.assert_allclose(often.mean, once.mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(often.deviation, once.deviation, rtol=1e-9, atol=1e-12)


def test_moments_of_parts_are_those_of_the_whole() -> None:
    random = np.random.default_rng(1)
    parts = [random.normal(size=(n, 3)) * 10 + 5 for n in (1, 7, 300, 40)]
    total = None
    for part in parts:
        one = Moments(len(part), part.mean(axis=0), part.var(axis=0))
        total = total.joined(one) if total else one
    every = np.concatenate(parts)
    assert total is not None
    assert total.rows == len(every)
    np.testing.assert_allclose(total.mean, every.mean(axis=0))
    np.testing.assert_allclose(total.variance, every.var(axis=0))


def test_words_are_ordered_by_count_and_then_backwards(tmp_path: Path) -> None:
    area = Counter({b"a": 2, b"b": 2, b"c": 5, b"": 9, b"x\ny": 9, b"x\ry": 9})
    many = Counter({f"t{n:02d}".encode(): 1 for n in range(40)})
    words = {name: Counter() for name in VOCABULARIES} | {"area": area, "topic": many}
    write_words(str(tmp_path), words)
    assert (tmp_path / "area").read_bytes() == b"c\nb\na\n"
    topics = (tmp_path / "topic").read_bytes().split()
    assert topics == sorted(many, reverse=True)[: VOCABULARIES["topic"].size]


def test_a_column_without_a_word_has_a_table_in_which_nothing_is_found(tmp_path: Path) -> None:
    write_words(str(tmp_path), {name: Counter() for name in VOCABULARIES})
    (line,) = (tmp_path / "source").read_bytes().splitlines()
    assert normalised([line]).numpy()[0] != line


def test_a_column_of_one_value_is_centred_and_not_scaled() -> None:
    analysis = Analysis({}, np.array([3.0, 1.0]), np.array([0.0, 2.0]))
    scores = z_scores(tf.constant([[3.0, 5.0], [4.0, 1.0]], tf.float64), analysis)
    assert scores.numpy().tolist() == [[0.0, 2.0], [1.0, 0.0]]


def test_a_split_without_examples_says_so(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "data_tfrecord-00000-of-00001.gz", "wb"):
        pass
    with pytest.raises(ValueError, match="hold no example"):
        analyse([str(tmp_path)], str(tmp_path / "analysis"), CRITICAL_PRIORITY)
