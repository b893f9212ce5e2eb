"""What a process wrote itself is what it would read, and is not read again."""

import os

import pytest
import tensorflow as tf

from components.feedback_example_gen import handed_over as module
from components.feedback_example_gen.bucket_writer import GZIP
from components.feedback_example_gen.example_batches import example_batches
from components.feedback_example_gen.handed_over import Gathered, handed_over

EXAMPLES = [f"example {number}".encode() for number in range(3000)]


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(module, "_newest", [])


def written(path, examples=EXAMPLES, most_bytes=10**6):
    gathered = Gathered(most_bytes)
    with tf.io.TFRecordWriter(str(path), GZIP) as writer:
        for start in range(0, len(examples), 1000):
            gathered.add(examples[start : start + 1000])
            for one in examples[start : start + 1000]:
                writer.write(one)
    gathered.hand_over(str(path))
    return str(path)


def test_readers_find_the_same_with_and_without(tmp_path):
    path = written(tmp_path / "a.gz")
    assert handed_over(path) == EXAMPLES
    for rate in (1.0, 0.3):
        known = list(example_batches([path], rate))
        module._newest.clear()
        assert known == list(example_batches([path], rate))
        written(tmp_path / "a.gz")


def test_a_sample_is_the_same_whatever_the_order_of_bytes(tmp_path):
    """Examples of two runs of one snapshot hold the same in other bytes."""
    turned = [one[::-1] for one in EXAMPLES]
    paths = [written(tmp_path / "a.gz"), written(tmp_path / "b.gz", turned)]
    [[here], [there]] = [list(example_batches([path], 0.3)) for path in paths]
    assert [one[::-1] for one in there] == here
    assert 750 < len(here) < 1050


def test_a_file_that_was_written_again_is_read(tmp_path):
    path = written(tmp_path / "a.gz")
    with tf.io.TFRecordWriter(path, GZIP) as writer:
        writer.write(b"another")
    assert handed_over(path) is None
    assert list(example_batches([path])) == [[b"another"]]


def test_a_file_of_the_same_size_that_was_changed_is_read(tmp_path):
    path = written(tmp_path / "a.gz")
    os.utime(path, ns=(1, 1))
    assert handed_over(path) is None


def test_one_file_is_kept_and_none_that_is_large(tmp_path):
    first, second = written(tmp_path / "a.gz"), written(tmp_path / "b.gz")
    assert handed_over(first) is None
    assert handed_over(second) == EXAMPLES
    third = written(tmp_path / "c.gz", most_bytes=sum(map(len, EXAMPLES)) - 1)
    assert handed_over(second) is handed_over(third) is None
