"""The champion of a scoring run is loaded while its feedback is read, if it is sound."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.feedback_example_gen.handed_over import ReadRows, WrittenExamples
from components.registry.model_properties import ModelProperties
from pipeline.runs import early_model
from serving_model.served import predict
from serving_model.served.model_hash import saved_model_sha256


class Scorer:
    """Notes what is asked of it."""

    asked: list[str]

    def __init__(self, path: str) -> None:
        self.asked.append("loaded")

    def explain_batches(self, batches: list[Any]) -> None:
        self.asked.append("explained")

    def score_batches(self, batches: list[Any]) -> None:
        self.asked.append("scored")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    Scorer.asked = []
    monkeypatch.setattr(predict, "ModelScorer", Scorer)
    return Scorer.asked


@pytest.fixture
def champion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the model that the registry names."""
    folder = tmp_path / "Format-Serving"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"a model")
    known = ModelProperties(model_version="m-1", saved_model_sha256=saved_model_sha256(str(folder)))
    found = SimpleNamespace(uri=str(tmp_path), properties=known)
    monkeypatch.setattr(
        early_model,
        "Registry",
        lambda path: SimpleNamespace(champion=lambda: found, transitions=lambda: []),
    )
    return folder


def load(reasons: bool = True) -> None:
    settings: Any = SimpleNamespace(metadata_path="", scoring=SimpleNamespace(explains_all=reasons))
    ((_, work),) = early_model.champion_early(settings)(ReadRows())
    interval = sys.getswitchinterval()
    work()
    assert sys.getswitchinterval() == interval


@pytest.mark.parametrize(("reasons", "signature"), [(True, "explained"), (False, "scored")])
def test_the_signature_that_is_asked_is_planned(
    champion: Path, asked: list[str], reasons: bool, signature: str
) -> None:
    load(reasons)
    assert asked == ["loaded", signature]


def test_files_that_were_changed_are_not_loaded(champion: Path, asked: list[str]) -> None:
    (champion / "saved_model.pb").write_bytes(b"another")
    load()
    assert asked == []


@pytest.mark.parametrize("split", [None, "a split"])
def test_the_champion_is_asked_about_the_examples_once_they_are_written(
    champion: Path, asked: list[str], split: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early_model, "stages_after", lambda found: SimpleNamespace(split=split))
    settings: Any = SimpleNamespace(metadata_path="", scoring=SimpleNamespace(explains_all=False))
    follower = early_model.champion_early(settings)
    assert list(follower("something else")) == []
    keys = [key for key, _ in follower(WrittenExamples("examples.gz", (1, 2)))]
    # While two models share the accounts each is asked about its own.
    expected = ("answers", "examples.gz", (1, 2), str(champion), False)
    assert keys == ([] if split else [expected])


def test_without_a_champion_nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    none = SimpleNamespace(champion=lambda: None)
    monkeypatch.setattr(early_model, "Registry", lambda path: none)
    settings: Any = SimpleNamespace(metadata_path="", scoring=SimpleNamespace(explains_all=True))
    follower = early_model.champion_early(settings)
    assert [*follower(ReadRows()), *follower(WrittenExamples("examples.gz", (1, 2)))] == []
