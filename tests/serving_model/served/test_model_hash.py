"""The hash of an exported model changes with anything in it, and with nothing else."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from serving_model.served.model_hash import saved_model_sha256


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    for name in ("saved_model.pb", "variables/variables.index", "assets/vocabulary"):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    return folder


def test_a_copy_elsewhere_has_the_same_hash(model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "copy"
    shutil.copytree(model, copy)
    assert saved_model_sha256(f"{copy}/") == saved_model_sha256(str(model))


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "saved_model.pb").write_bytes(b"saved_model.pB"),
        lambda folder: (folder / "assets/vocabulary").unlink(),
        lambda folder: (folder / "assets/vocabulary").rename(folder / "assets/vocabularies"),
        lambda folder: (folder / "empty").write_bytes(b""),
    ],
)
def test_any_change_changes_the_hash(model: Path, change: Callable[[Path], object]) -> None:
    before = saved_model_sha256(str(model))
    change(model)
    assert saved_model_sha256(str(model)) != before


def test_no_files_have_no_hash(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no file"):
        saved_model_sha256(str(tmp_path))
