"""Each file and folder of the state directory broken once: a sentence and a documented code."""

import re
import shlex
import shutil
import sqlite3
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace

import pytest
from tfx.types import artifact_utils, standard_artifacts

from components.errors import StateUnusable
from components.registry.judged import GATE_NODE
from components.registry.model_properties import ModelProperties
from components.registry.strategy import ChampionStrategy
from components.sound_model import sound_scorer
from pipeline.checks.finding import Stops
from pipeline.checks.state import champion_findings
from pipeline.registry.metadata_store import open_store
from pipeline.registry.registry import Registry
from pipeline.registry.state_places import moving_artifacts
from pipeline.settings import load_settings
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
    # A training run compares with it, and looks before anything is learnt.
    (finding,) = champion_findings(_settings(broken_copy))
    assert (str(finding.error), finding.stops) == (str(told.value), Stops.SCORES)
    with pytest.raises(StateUnusable, match="models withdraw"):
        _resolve(broken_copy)


def test_without_a_damaged_champion_a_training_run_goes_on(broken_copy):
    (folder,) = broken_copy.state_dir.glob("pipeline_root/*/ModelTrainer/model/*/Format-Serving")
    _flip(folder / "saved_model.pb")
    checked = broken_copy.run("db", "check", **SMALLEST_BLESSED)
    (problem,) = re.findall(r"^problem .*", checked.out, re.M)
    assert checked.code == 6
    command = re.search(r"`tens-insight (models withdraw .*?)`", problem)[1]
    withdrawn = broken_copy.run(*shlex.split(command))
    assert withdrawn.code == 0, withdrawn.err
    assert champion_findings(_settings(broken_copy)) == []
    assert _resolve(broken_copy) == {"model": [], "blessing": []}
    assert broken_copy.run("db", "check", **SMALLEST_BLESSED).code == 0


def _settings(installation):
    return load_settings(state_dir=installation.state_dir)


def _resolve(installation):
    """Asks the strategy that both pipelines use, of the artifacts where they lie now."""
    path = installation.state_dir / STORE
    store, located = open_store(path), moving_artifacts(open_store(path), installation.state_dir)
    kinds = {"model": standard_artifacts.Model, "blessing": standard_artifacts.ModelBlessing}
    found = {
        key: [
            artifact_utils.deserialize_artifact(store_type, located(one))
            for one in store.get_artifacts_by_type(kind.TYPE_NAME)
            if kind is standard_artifacts.Model or f"/{GATE_NODE}/" in one.uri
        ]
        for key, kind in kinds.items()
        for store_type in [store.get_artifact_type(kind.TYPE_NAME)]
    }
    return ChampionStrategy().resolve_artifacts(store, found)


@pytest.mark.parametrize(
    ("kind", "name", "harm", "said"),
    [
        ("train", "*/ModelTrainer/model/*/Format-Serving/variables/*data*", _flip, "SHA-256"),
        ("score", "*-train/StatisticsGen", _gone, "What StatisticsGen"),
        ("score", "*-train/StatisticsGen/statistics/*/Split-train/*", _cut, "StatisticsGen"),
    ],
)
def test_a_run_that_cannot_read_what_was_kept_publishes_no_score(
    broken_copy, kind, name, harm, said
):
    before = broken_copy.query(SCORES)
    (path,) = (broken_copy.state_dir / "pipeline_root").glob(name)
    harm(path)
    finished = broken_copy.run("run", kind, **SMALLEST_BLESSED)
    assert finished.code == 6, finished.err
    assert said in finished.err
    assert "Published 18 product areas." in finished.err
    assert len(list(broken_copy.state_dir.glob("pipeline_root/*-train/ModelTrainer/model/*"))) == 1
    assert str(broken_copy.state_dir) in finished.err
    assert "Traceback" not in finished.err
    assert broken_copy.query(SCORES) == before
