"""Removes an account from the files of a state directory, each by what it is."""

import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import DecodeError

from components.publishing.erasure import ACCOUNT, FORGOTTEN
from components.state_files import replace_file
from pipeline.erasure.names import is_distinctive, mentions, without
from pipeline.state_directory import METADATA_FILES

_TEXT: Final = (".html", ".log", ".txt", ".csv", ".ndjson")
_REPORT: Final = "review.html"
_ITS_NUMBERS: Final = "review.json"
_STATISTICS: Final = "FeatureStats.pb"
_NOT_OURS: Final = ("postgres",)
"""The demo's database, whose rows are removed by SQL."""


@dataclass(frozen=True)
class ErasedFiles:
    """What became of the files.

    Attributes:
        rewritten: Files without the account now.
        left: Files that hold its id and are of no kind that can be rewritten.
        damaged: Files of which nobody can tell what they hold, such as Examples that a run which
            was killed had begun.
    """

    rewritten: tuple[Path, ...]
    left: tuple[Path, ...]
    damaged: tuple[Path, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether no file holds the id any more, as far as anybody can tell."""
        return not (self.left or self.damaged)


class _Damaged(Exception):
    """A file is not of the form that its name says."""


def erase_from_files(folder: Path, account_id: str) -> ErasedFiles:
    """Rewrites each file below a folder that holds an account's id.

    Examples and scores lose the account's records, statistics its value, texts the id itself. A
    file is written again beside the old one and takes its place; its mode stays. A report that
    names an account whose id may be a number or a word of the page is removed.

    Args:
        folder: The state directory, while no run works on it.
        account_id: Byte for byte.

    Raises:
        OSError: A file cannot be read or written.
    """
    rewritten, left, damaged = _removed_reports(folder, account_id), [], []
    for path in _files(folder):  # what ML Metadata holds is cleaned through it
        try:
            done = _rewritten(path, account_id)
        except _Damaged:
            damaged.append(path)
            continue
        if done is None and _holds(path, account_id):
            left.append(path)
        elif done:
            rewritten.append(path)
    return ErasedFiles(tuple(rewritten), tuple(left), tuple(damaged))


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        if Path(place) == folder:
            folders[:] = [name for name in folders if name not in _NOT_OURS]
        for name in sorted(names):
            path = Path(place, name)
            if name not in METADATA_FILES and path.is_file() and not path.is_symlink():
                yield path


def _removed_reports(folder: Path, account_id: str) -> list[Path]:
    """Removes reports in which the id cannot be told from other numbers and words."""
    if is_distinctive(account_id):
        return []
    named = [path.with_name(_REPORT) for path in _files(folder) if _names(path, account_id)]
    there = [path for path in named if path.is_file()]
    for path in there:
        path.unlink()
    return there


def _names(numbers: Path, account_id: str) -> bool:
    if numbers.name != _ITS_NUMBERS:
        return False
    try:
        content = json.loads(numbers.read_text(encoding="utf-8"))
    except ValueError:
        return True  # nothing tells whether its page names the account
    _, count = _cleaned(content, account_id)
    return count > 0


def _rewritten(path: Path, account_id: str) -> bool | None:
    """Rewrites a file; tells whether it held the id, None for a kind that is not known."""
    if path.suffix == ".gz" and "data_tfrecord" in path.name:
        return _rewrite_examples(path, account_id)
    if path.suffix == ".parquet":
        return _rewrite_parquet(path, account_id)
    if path.name == _STATISTICS:
        return _rewrite_statistics(path, account_id)
    if path.suffix == ".json":
        return _rewrite_json(path, account_id)
    if path.suffix in _TEXT:
        return _rewrite_text(path, account_id)
    return None


def _rewrite_examples(path: Path, account_id: str) -> bool:
    import tensorflow as tf

    wanted, kept, found = account_id.encode(), [], False
    try:
        for record in tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator():
            if wanted in record and _account_of(tf.train.Example.FromString(record)) == wanted:
                found = True
            else:
                kept.append(record)
    except (tf.errors.OpError, DecodeError) as error:
        raise _Damaged from error
    if found:
        options = tf.io.TFRecordOptions(compression_type="GZIP")

        def write(target: str) -> None:
            with tf.io.TFRecordWriter(target, options) as writer:
                for record in kept:
                    writer.write(record)

        _replace(path, write)
    return found


def _account_of(example: Any) -> bytes:
    values = example.features.feature[ACCOUNT].bytes_list.value
    return bytes(values[0]) if values else b""


def _rewrite_parquet(path: Path, account_id: str) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        if ACCOUNT not in pq.read_schema(path).names:
            return False
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the system, such as a right that is missing
        raise _Damaged from error
    others = table.filter(pc.not_equal(table[ACCOUNT], account_id))
    if others.num_rows == table.num_rows:
        return False
    _replace(path, lambda target: pq.write_table(others, target))
    return True


def _rewrite_statistics(path: Path, account_id: str) -> bool:
    """Takes the id out of the most frequent values and their ranks; counts stay as they are."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    try:
        lists = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())
    except DecodeError as error:
        raise _Damaged from error
    found = False
    for feature in (one for dataset in lists.datasets for one in dataset.features):
        strings = feature.string_stats
        for values in (strings.top_values, strings.rank_histogram.buckets):
            name = "value" if values is strings.top_values else "label"
            places = [n for n, one in enumerate(values) if getattr(one, name) == account_id]
            found |= bool(places)
            for place in reversed(places):
                del values[place]
    if found:
        _replace(path, lambda target: Path(target).write_bytes(lists.SerializeToString()))
    return found


def _rewrite_json(path: Path, account_id: str) -> bool:
    """Looks into strings alone: a number that reads like the id stays."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    try:
        content, count = _cleaned(json.loads(text), account_id)
    except ValueError:
        return _rewrite_text(path, account_id)
    if count:
        indent = 2 if "\n" in text.strip() else None
        written = json.dumps(content, indent=indent, ensure_ascii=False)
        _replace(path, lambda target: Path(target).write_text(written, encoding="utf-8"))
    return count > 0


def _cleaned(content: Any, account_id: str) -> tuple[Any, int]:
    """Returns JSON without the id, and how often it was there."""
    if isinstance(content, str):
        if content == account_id:
            return FORGOTTEN, 1
        return without(account_id, content)
    if isinstance(content, list):
        pairs = [_cleaned(one, account_id) for one in content]
        return [one for one, _ in pairs], sum(count for _, count in pairs)
    if isinstance(content, dict):
        keys = [_cleaned(key, account_id) for key in content]
        values = [_cleaned(value, account_id) for value in content.values()]
        cleaned = {key: value for (key, _), (value, _) in zip(keys, values, strict=True)}
        return cleaned, sum(count for _, count in (*keys, *values))
    return content, 0


def _rewrite_text(path: Path, account_id: str) -> bool:
    text = path.read_bytes().decode(errors="surrogateescape")
    changed, count = without(account_id, text)
    if count:
        content = changed.encode(errors="surrogateescape")
        _replace(path, lambda target: Path(target).write_bytes(content))
    return bool(count)


def _replace(path: Path, write: Callable[[str], object]) -> None:
    replace_file(path, write, mode=path.stat().st_mode & 0o777)


def _holds(path: Path, account_id: str) -> bool:
    if not is_distinctive(account_id):
        return False  # a model or a library's file holds any number and word
    content = path.read_bytes()
    if path.suffix == ".gz":
        with suppress(OSError, EOFError, zlib.error):  # a damaged one is looked at as it is
            content = gzip.decompress(content)
    return mentions(account_id, content.decode(errors="surrogateescape"))
