"""Each file and folder of the state directory broken once: a sentence and a documented code."""

import shutil
import sqlite3
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace

import pytest
from tfx.types import standard_artifacts

from components.errors import StateUnusable
from components.registry.model_properties import ModelProperties
from components.sound_model import sound_scorer
from pipeline.registry.registry import Registry
from tests.end_to_end.conftest import SCORES, SMALLEST_BLESSED

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="wiring")]

STORE = "metadata.sqlite"
LIST, STATUS, SCORE, CHECK = ["models", "list"], ["status"], ["run", "score"], ["db", "check"]


def _cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def _garbage(path):
    path.write_bytes(b"\x00\xffno such thing" * 999)


def _empty(path):
    path.write_bytes(b"")


def _gone(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _folder_instead(path):
    path.unlink()
    path.mkdir()


def _file_instead(path):
    shutil.rmtree(path)
    path.touch()


@contextmanager
def _locked(path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@pytest.fixture(scope="module")
def kept(copy_of_installation, tmp_path_factory):
    """A database and a state directory after both runs, from which each case takes a copy."""
    with copy_of_installation(tmp_path_factory.mktemp("kept") / "state") as made:
        yield made


@pytest.fixture
def broken_copy(kept, tmp_path):
    """The same, with a state directory to break."""
    shutil.copytree(kept.state_dir, tmp_path / "state")
    return replace(kept, state_dir=tmp_path / "state")


@pytest.mark.parametrize(
    ("name", "harm", "command", "code", "said"),
    [
        (STORE, _garbage, LIST, 6, "file is not a database"),
        (STORE, _garbage, STATUS, 6, "file is not a database"),
        (STORE, _garbage, SCORE, 6, "file is not a database"),
        (STORE, _garbage, CHECK, 6, "file is not a database"),
        (STORE, _cut, LIST, 6, "malformed"),
        (STORE, _empty, LIST, 6, "it is empty"),
        (STORE, _gone, LIST, 6, "is gone"),
        (STORE, _gone, SCORE, 6, "is gone"),
        (STORE, _folder_instead, LIST, 6, "unable to open"),
        (STORE, _locked, LIST, 9, "locked by another program"),
        ("pipeline_root/metadata-store.txt", _cut, LIST, 0, "champion"),
        ("pipeline_root/metadata-store.txt", _folder_instead, LIST, 0, "champion"),
        ("runs/*.json", _cut, STATUS, 0, "last run"),
        ("runs/*.json", _garbage, STATUS, 0, "last run"),
        ("runs", _file_instead, SCORE, 6, "nothing can be written"),
        ("logs", _file_instead, SCORE, 6, "nothing can be written"),
        ("run.lock", _folder_instead, SCORE, 6, "cannot be locked"),
        ("pipeline_root", _file_instead, SCORE, 6, "nothing can be written"),
        ("pipeline_root/*/ModelReview/review/*", _gone, ["report"], 2, "the file is gone"),
        ("pipeline_root/*/ModelGate/blessing/*", _gone, LIST, 0, "champion"),
        ("pipeline_root/*/ModelGate/blessing/*/decision.json", _cut, LIST, 0, "champion"),
        ("pipeline_root/*/.node_costs/*", _cut, LIST, 0, "champion"),
        ("serving", _gone, LIST, 0, "champion"),
    ],
)
def test_each_part_broken_once(broken_copy, name, harm, command, code, said):
    paths = sorted(broken_copy.state_dir.glob(name))
    assert paths
    with harm(paths[0]) or nullcontext():
        finished = broken_copy.run(*command)
    told = finished.out + finished.err
    assert finished.code == code, told
    assert said in told
    assert "Traceback" not in told
    assert "Unexpected" not in told


@pytest.mark.parametrize(
    ("file", "harm"),
    [
        ("saved_model.pb", _cut),
        ("saved_model.pb", _empty),
        ("variables/variables.data-00000-of-00001", _flip),
        ("variables/variables.index", _gone),
        ("assets/tier", _gone),
        ("assets.extra/model_card.json", _flip),
        ("", _gone),
    ],
)
def test_a_model_that_is_not_what_was_exported_never_scores(broken_copy, file, harm):
    found = Registry(broken_copy.state_dir / STORE).champion()
    assert found is not None
    model = standard_artifacts.Model()
    model.uri = found.uri
    found.properties.write(model)
    (folder,) = broken_copy.state_dir.glob("pipeline_root/*/ModelTrainer/model/*/Format-Serving")
    harm(folder / file)
    with pytest.raises(StateUnusable, match=found.properties.model_version) as told:
        sound_scorer(model)
    assert "models withdraw" in str(told.value)
    assert ModelProperties.read(model).saved_model_sha256


@pytest.mark.parametrize(
    ("name", "harm", "said"),
    [
        ("*/ModelTrainer/model/*/Format-Serving/variables/*data*", _flip, "SHA-256"),
        ("*-train/StatisticsGen", _gone, "What StatisticsGen"),
        ("*-train/StatisticsGen/statistics/*/Split-train/*", _cut, "StatisticsGen"),
    ],
)
def test_a_run_that_cannot_read_what_was_kept_publishes_no_score(broken_copy, name, harm, said):
    before = broken_copy.query(SCORES)
    (path,) = (broken_copy.state_dir / "pipeline_root").glob(name)
    harm(path)
    finished = broken_copy.run("run", "score", **SMALLEST_BLESSED)
    assert finished.code == 6, finished.err
    assert said in finished.err
    assert str(broken_copy.state_dir) in finished.err
    assert "Traceback" not in finished.err
    assert broken_copy.query(SCORES) == before
