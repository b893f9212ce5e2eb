"""A file is whole or as it was, whoever writes it and however often."""

import pytest
import tensorflow as tf

from components.whole_files import (
    attempts_folder,
    remove_left_attempts,
    whole_file,
    write_whole,
)


def test_a_second_attempt_takes_the_place_of_the_first(tmp_path):
    path = tmp_path / "shard"
    with attempts_folder(str(tmp_path)) as attempts:
        write_whole(str(path), b"first", attempts)
        with whole_file(str(path), attempts) as attempt:
            with open(attempt, "w") as file:
                file.write("half")
            assert path.read_bytes() == b"first"
        assert path.read_bytes() == b"half"
    assert [one.name for one in tmp_path.iterdir()] == ["shard"]


def test_a_worker_that_comes_back_too_late_changes_nothing(tmp_path):
    path = tmp_path / "shard"
    with attempts_folder(str(tmp_path)) as attempts:
        write_whole(str(path), b"first", attempts)
        late = whole_file(str(path), attempts)
        attempt = late.__enter__()
        with open(attempt, "w") as file:
            file.write("late")
    with pytest.raises((OSError, tf.errors.NotFoundError)):
        late.__exit__(None, None, None)
    with pytest.raises((OSError, tf.errors.NotFoundError)):
        write_whole(str(path), b"late", attempts)
    assert path.read_bytes() == b"first"


def test_a_failed_attempt_leaves_the_file(tmp_path):
    path = tmp_path / "shard"
    path.write_bytes(b"first")
    with (
        attempts_folder(str(tmp_path)) as attempts,
        pytest.raises(ZeroDivisionError),
        whole_file(str(path), attempts),
    ):
        raise ZeroDivisionError
    assert path.read_bytes() == b"first"


def test_without_others_it_is_written_in_its_place(tmp_path):
    path = tmp_path / "shard"
    write_whole(str(path), b"first", "")
    assert path.read_bytes() == b"first"


def test_what_killed_runs_left_is_removed(tmp_path):
    left = tmp_path / "train" / "AccountScorer" / "scores" / "7" / "attempts"
    left.mkdir(parents=True)
    (left / "half").write_text("half")
    assert remove_left_attempts(tmp_path) == 1
    assert not left.exists()
    assert left.parent.exists()
