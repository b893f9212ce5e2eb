"""A store belongs to one database until somebody lets it adopt another; artifacts can move."""

from pathlib import Path
from typing import Any

import ml_metadata
import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.errors import OtherDatabase
from components.postgres.identity import DatabaseIdentity
from components.registry.artifact_names import EXAMPLES
from components.registry.store_identity import (
    adopt_database,
    find_store,
    moved,
    other_database,
    read_store,
    require_database,
    require_known_database,
)

A = DatabaseIdentity("aaaaaaaa-0000-4000-8000-000000000000", "me@a:5432/goinsight")
B = DatabaseIdentity("bbbbbbbb-0000-4000-8000-000000000000", "me@b:5432/back\\slash")


@pytest.fixture
def store(tmp_path: Path) -> Any:
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(tmp_path / "metadata.sqlite")
    config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    return ml_metadata.MetadataStore(config)


def read_feedback(store: Any) -> None:
    kind = store.put_artifact_type(mlmd.ArtifactType(name=EXAMPLES))
    store.put_artifacts([mlmd.Artifact(type_id=kind, uri="/x")])


def test_the_first_run_that_reads_binds_the_store(store: Any) -> None:
    assert find_store(store) is None
    assert other_database(store, A) is None
    require_database(store, A, "here")
    require_database(store, B, "here")  # a mistyped address, and nothing was read yet
    require_database(store, A, "here")
    read_feedback(store)
    require_database(store, A, "here")
    with pytest.raises(OtherDatabase) as refused:
        require_database(store, B, "here")
    for text in (A.name, "aaaaaaaa", B.name, "STATE_DIR", "--adopt", "db adopt"):
        assert text in str(refused.value)
    assert find_store(store) == read_store(store)
    assert read_store(store).database_id == A.id


def test_what_is_adopted_belongs_to_the_other_database_no_longer(store: Any) -> None:
    assert adopt_database(store, A, "me@host") is None
    require_database(store, A, "here")
    read_feedback(store)
    assert adopt_database(store, A, "me@host") is None
    before = adopt_database(store, B, "me@host")
    assert before is not None
    assert before.database_id == A.id
    require_database(store, B, "here")
    assert read_store(store).database_name == B.name
    assert "me@a:5432/goinsight, until " in read_store(store).adopted[A.id]
    with pytest.raises(OtherDatabase):
        require_database(store, A, "here")


def test_a_model_that_was_brought_from_another_store_is_refused(store: Any) -> None:
    require_known_database(store, "v1", A.id)  # no store of ours, such as another tool's
    require_database(store, A, "here")
    read_feedback(store)
    require_known_database(store, "v1", A.id)
    require_known_database(store, "v1", None)
    with pytest.raises(OtherDatabase, match="models withdraw v1"):
        require_known_database(store, "v1", B.id)
    adopt_database(store, B, "me@host")
    require_known_database(store, "v1", A.id)
    require_known_database(store, "v1", B.id)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("/old/pipeline_root/a/1", "/new/pipeline_root/a/1"),
        ("/older/pipeline_root/a/1", "/new/pipeline_root/a/1"),
        ("/old/pipeline_root/old/pipeline_root/1", "/new/pipeline_root/old/pipeline_root/1"),
        ("/new/pipeline_root/a/1", "/new/pipeline_root/a/1"),
        ("/old-one/pipeline_root/a/1", "/old-one/pipeline_root/a/1"),
        ("/old/elsewhere/a", "/old/elsewhere/a"),
        ("gs://bucket/old/pipeline_root/a/1", "gs://bucket/old/pipeline_root/a/1"),
        ("/mnt/tens-insight/tens-insight-train/a/1", "/mnt/tens-insight/tens-insight-train/a/1"),
    ],
)
def test_only_what_lay_in_the_state_directory_moves_with_it(uri: str, expected: str) -> None:
    artifact = mlmd.Artifact(uri=uri)
    artifact.custom_properties["pushed_destination"].string_value = "/old/serving/churn/7"
    artifact.custom_properties["summary"].string_value = "of /old/serving/churn/7"
    artifact.custom_properties["rows"].int_value = 7
    assert moved(artifact, ["/old", "/older"], "/new")
    assert artifact.uri == expected
    found = {key: value.string_value for key, value in artifact.custom_properties.items()}
    assert found["pushed_destination"] == "/new/serving/churn/7"
    assert found["summary"] == "of /old/serving/churn/7"
    assert not moved(artifact, ["/old", "/older"], "/new")


def test_a_state_directory_may_move_into_its_former_place_and_back() -> None:
    artifact = mlmd.Artifact(uri="/a/pipeline_root/x/1")
    for former, now in (("/a", "/a/b"), ("/a/b", "/a")):
        moved(artifact, [former], now)
        assert artifact.uri == f"{now}/pipeline_root/x/1"
