"""Two stores never share a folder of artifacts; a store and its folder stay together."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.registry.metadata_store import connection_config, require_own_artifacts
from pipeline.settings import ConfigurationInvalid


def test_a_store_keeps_its_folder(shelf: Any, tmp_path: Path) -> None:
    root = tmp_path / "pipeline_root"
    require_own_artifacts(connection_config(shelf.path), root)
    shelf.train("v1", blessed=True)
    require_own_artifacts(connection_config(shelf.path), root)


def test_another_store_is_refused_both_ways(
    metadata_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, path = tmp_path / "pipeline_root", tmp_path / "metadata.sqlite"
    require_own_artifacts(connection_config(path), root)
    monkeypatch.delenv("METADATA_DATABASE_URL")
    with pytest.raises(ConfigurationInvalid, match="would overwrite them"):
        require_own_artifacts(connection_config(path), root)
    require_own_artifacts(connection_config(path), tmp_path / "other")
    monkeypatch.setenv("METADATA_DATABASE_URL", metadata_database)
    with pytest.raises(ConfigurationInvalid, match="TENS_INSIGHT_STATE_DIR"):
        require_own_artifacts(connection_config(path), tmp_path / "other")
    require_own_artifacts(connection_config(path), root)


def test_a_store_that_was_removed_does_not_take_over_its_artifacts(tmp_path: Path) -> None:
    root, path = tmp_path / "pipeline_root", tmp_path / "metadata.sqlite"
    (root / "tens-insight-train").mkdir(parents=True)
    with pytest.raises(ConfigurationInvalid, match=r"restore metadata\.sqlite"):
        require_own_artifacts(connection_config(path), root)


def test_a_folder_older_than_its_mark_is_adopted(sqlite_shelf: Any, tmp_path: Path) -> None:
    root = tmp_path / "pipeline_root"
    (root / "tens-insight-train").mkdir(parents=True)
    sqlite_shelf.train("v1", blessed=True)
    require_own_artifacts(connection_config(sqlite_shelf.path), root)
    (tmp_path / "metadata.sqlite").unlink()
    with pytest.raises(ConfigurationInvalid):
        require_own_artifacts(connection_config(sqlite_shelf.path), root)
