"""Small files are whole or not there, and what a run writes is for its user alone."""

import os
import stat
from pathlib import Path

import pytest

from components.registry.node_costs import DONE, NodeCost, read_costs, write_costs
from components.state_files import make_private, private_files, replace_text


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_replaced_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    replace_text(path, "one\n")
    replace_text(path, "two\n")
    assert path.read_text() == "two\n"
    assert mode(path) == 0o600
    assert os.listdir(tmp_path) == ["note.txt"]


@pytest.mark.parametrize("there", [True, False])
def test_a_full_disk_leaves_the_old_file_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    path = tmp_path / "note.txt"
    if there:
        replace_text(path, "one\n")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_text(path, "two\n")
    assert [file.read_text() for file in tmp_path.iterdir()] == (["one\n"] if there else [])


def test_folders_are_closed_whoever_made_them(tmp_path: Path) -> None:
    assert mode(make_private(tmp_path / "new" / "logs")) == 0o700
    (tmp_path / "old").mkdir(mode=0o755)
    assert mode(make_private(tmp_path / "old")) == 0o700


def test_what_any_library_writes_is_private(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with private_files():
            (tmp_path / "folder").mkdir()
            (tmp_path / "file").touch()
        (tmp_path / "after").touch()
    finally:
        os.umask(before)
    found = {path.name: mode(path) for path in tmp_path.iterdir()}
    assert found == {"folder": 0o700, "file": 0o600, "after": 0o644}


@pytest.mark.parametrize("torn", ["", "[", '[{"name"', "{}", "[1]", '[{"nobody": 1}]'])
def test_node_costs_that_are_empty_or_torn_are_missing(tmp_path: Path, torn: str) -> None:
    write_costs(str(tmp_path), "run", [NodeCost("Reader", DONE, 1.0)])
    (file,) = (tmp_path / ".node_costs").iterdir()
    assert read_costs(str(tmp_path), "run") == [NodeCost("Reader", DONE, 1.0)]
    file.write_text(torn)
    assert read_costs(str(tmp_path), "run") == []
