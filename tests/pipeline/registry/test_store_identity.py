"""Two stores never share a folder of artifacts; a store and its folder stay together."""

from pathlib import Path
from typing import Any

import ml_metadata
import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.types import standard_artifacts

from components.errors import OtherDatabase
from components.postgres.identity import DatabaseIdentity
from components.registry.store_identity import find_store
from components.registry.strategy import ChampionStrategy
from pipeline.registry.metadata_store import connection_config
from pipeline.registry.registry import Registry
from pipeline.registry.state_claim import adopt_state, claim_state, require_state_of
from pipeline.registry.state_places import (
    moving_artifacts,
    read_mark,
    record_place,
    require_own_artifacts,
)
from pipeline.settings import ConfigurationInvalid, Settings, load_settings

A = DatabaseIdentity("aaaaaaaa-0000-4000-8000-000000000000", "me@a:5432/goinsight")
B = DatabaseIdentity("bbbbbbbb-0000-4000-8000-000000000000", "me@b:5432/goinsight")


def opened(path: Path) -> Any:
    return ml_metadata.MetadataStore(connection_config(path))


def test_a_store_keeps_its_folder(shelf: Any, tmp_path: Path) -> None:
    root = tmp_path / "pipeline_root"
    require_own_artifacts(opened(shelf.path), root)
    shelf.train("v1", blessed=True)
    require_own_artifacts(opened(shelf.path), root)


def test_another_store_is_refused_both_ways(
    metadata_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, path = tmp_path / "pipeline_root", tmp_path / "metadata.sqlite"
    require_own_artifacts(opened(path), root)
    monkeypatch.delenv("METADATA_DATABASE_URL")
    with pytest.raises(ConfigurationInvalid, match="would overwrite them"):
        require_own_artifacts(opened(path), root)
    require_own_artifacts(opened(path), tmp_path / "other")
    monkeypatch.setenv("METADATA_DATABASE_URL", metadata_database)
    with pytest.raises(ConfigurationInvalid, match="TENS_INSIGHT_STATE_DIR"):
        require_own_artifacts(opened(path), tmp_path / "other")
    require_own_artifacts(opened(path), root)


def test_a_store_that_was_removed_does_not_take_over_its_artifacts(tmp_path: Path) -> None:
    root, path = tmp_path / "pipeline_root", tmp_path / "metadata.sqlite"
    (root / "tens-insight-train").mkdir(parents=True)
    with pytest.raises(ConfigurationInvalid, match=r"restore metadata\.sqlite"):
        require_own_artifacts(opened(path), root)


def test_a_folder_older_than_its_mark_is_adopted(sqlite_shelf: Any, tmp_path: Path) -> None:
    root = tmp_path / "pipeline_root"
    (root / "tens-insight-train").mkdir(parents=True)
    sqlite_shelf.train("v1", blessed=True)
    require_own_artifacts(opened(sqlite_shelf.path), root)
    (tmp_path / "metadata.sqlite").unlink()
    with pytest.raises(ConfigurationInvalid):
        require_own_artifacts(opened(sqlite_shelf.path), root)


@pytest.mark.parametrize("torn", ["", "store 1234", "store x\nstate directory y\n"])
def test_a_mark_that_is_empty_or_torn_counts_as_missing(
    shelf: Any, tmp_path: Path, torn: str
) -> None:
    """A full disk once left it empty, and every later run was refused."""
    root = tmp_path / "pipeline_root"
    root.mkdir()
    (root / "metadata-store.txt").write_text(torn)
    (root / ".metadata-store.txt.k2j3h4").touch()  # of a writer that was killed
    mark = require_own_artifacts(opened(shelf.path), root)
    assert read_mark(root) == mark
    record_place(shelf.store, mark, tmp_path)
    shelf.train("v1", blessed=True)
    (root / "metadata-store.txt").write_text(torn)
    assert require_own_artifacts(opened(shelf.path), root) == mark


def settings_at(state: Path) -> Settings:
    return load_settings(state_dir=state)


def uris(store: Any) -> set[str]:
    return {artifact.uri for artifact in store.get_artifacts()}


def test_artifacts_are_found_where_the_state_directory_is_now(shelf: Any, tmp_path: Path) -> None:
    old, new = tmp_path, tmp_path.with_name(f"{tmp_path.name}-moved")
    claim_state(shelf.store, settings_at(old), A)
    before, after = (str(place / "pipeline_root" / "model" / "1") for place in (old, new))
    shelf.train("v1", blessed=True, uri=before)
    shelf.artifact("Model", "gs://bucket/pipeline_root/model/1", {"model_version": "v2"})
    elsewhere = uris(shelf.store) - {before}
    old.rename(new)
    try:
        registry = Registry(new / "metadata.sqlite")
        assert {model.uri for model in registry.models()} == {
            after,
            "gs://bucket/pipeline_root/model/1",
        }
        (champion,) = [one for one in registry.models() if one.properties.model_version == "v1"]
        run, read = registry.made_from(champion)
        assert run is not None
        assert registry.artifacts_of(run).newest_uri("Model") == after
        assert before in uris(opened(new / "metadata.sqlite")), "a command that reads wrote"
        claim_state(opened(new / "metadata.sqlite"), settings_at(new), A)
        assert uris(opened(new / "metadata.sqlite")) == elsewhere | {after}
    finally:
        new.rename(old)
    assert Registry(shelf.path).made_from(champion)[0] is not None
    claim_state(opened(shelf.path), settings_at(old), A)
    assert uris(opened(shelf.path)) == elsewhere | {before}


def test_a_run_that_was_killed_while_artifacts_moved_does_no_harm(
    sqlite_shelf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, state = sqlite_shelf.store, tmp_path
    claim_state(store, settings_at(state), A)
    mark = read_mark(state / "pipeline_root")
    assert mark is not None
    for number in range(2):
        sqlite_shelf.artifact("Model", f"{state}/pipeline_root/model/{number}", {})

    class Killed(Exception):
        pass

    with monkeypatch.context() as patched:

        def half(self: Any, changed: list[Any]) -> None:
            patched.undo()
            self.put_artifacts(changed[:1])
            raise Killed

        patched.setattr(type(store), "put_artifacts", half)
        with pytest.raises(Killed):
            record_place(store, mark, Path("/second"))
    assert len({uri.partition("/pipeline_root")[0] for uri in uris(store)}) == 2
    located = moving_artifacts(store, state)
    assert {located(one).uri for one in store.get_artifacts()} == {
        f"{state}/pipeline_root/model/{number}" for number in range(2)
    }
    record_place(store, mark, Path("/third"))
    assert uris(store) == {f"/third/pipeline_root/model/{number}" for number in range(2)}


def test_two_state_directories_of_one_store_keep_their_own_artifacts(
    metadata_database: str, tmp_path: Path
) -> None:
    store = opened(tmp_path / "unused.sqlite")
    for name in ("one", "two"):
        claim_state(store, settings_at(tmp_path / name), A)
        kind = store.put_artifact_type(mlmd.ArtifactType(name="Model"))
        uri = f"{tmp_path}/{name}/pipeline_root/model/1"
        store.put_artifacts([mlmd.Artifact(type_id=kind, uri=uri)])
    (tmp_path / "one").rename(tmp_path / "three")
    claim_state(store, settings_at(tmp_path / "three"), A)
    claim_state(store, settings_at(tmp_path / "two"), A)
    assert uris(store) == {f"{tmp_path}/{name}/pipeline_root/model/1" for name in ("two", "three")}


def test_a_store_of_another_database_is_refused_before_anything_is_written(
    shelf: Any, tmp_path: Path
) -> None:
    settings = settings_at(tmp_path)
    require_state_of(settings, A)
    claim_state(shelf.store, settings, A)
    require_state_of(settings, B)  # nothing was read yet
    shelf.train("v1", blessed=True)
    before = find_store(shelf.store)
    for refused in (
        lambda: require_state_of(settings, B),
        lambda: claim_state(shelf.store, settings, B),
    ):
        with pytest.raises(OtherDatabase, match="--adopt"):
            refused()
    assert find_store(shelf.store) == before
    assert "belonged to the database" in adopt_state(settings, B)
    assert "Nothing to adopt" in adopt_state(settings, B)
    require_state_of(settings, B)
    with pytest.raises(OtherDatabase):
        require_state_of(settings, A)


def test_a_champion_that_was_brought_from_another_store_does_not_score(
    sqlite_shelf: Any, tmp_path: Path
) -> None:
    claim_state(sqlite_shelf.store, settings_at(tmp_path), A)
    sqlite_shelf.train("own", blessed=True, database_id=A.id)
    channels = [(standard_artifacts.Model, "model"), (standard_artifacts.ModelBlessing, "blessing")]

    def resolve() -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for kind, key in channels:
            found[key] = []
            for proto in sqlite_shelf.store.get_artifacts_by_type(kind.TYPE_NAME):
                found[key].append(kind())
                found[key][-1].set_mlmd_artifact(proto)
        return ChampionStrategy().resolve_artifacts(sqlite_shelf.store, found)

    assert len(resolve()["model"]) == 1
    sqlite_shelf.train("brought", blessed=True, database_id=B.id)
    with pytest.raises(OtherDatabase, match="Model brought learnt from the database with id bbbb"):
        resolve()
