import shutil
from importlib import resources
from pathlib import Path

import pytest

from pipeline.code_version import code_version, hash_sources


@pytest.fixture
def features(tmp_path):
    """A copy of the features' sources."""
    folder = tmp_path / "transforms"
    shutil.copytree(Path(str(resources.files("transforms"))), folder)
    return folder


def test_it_is_the_same_wherever_the_code_lies(features):
    assert hash_sources({"transforms": features}) == hash_sources(
        {"transforms": resources.files("transforms")}
    )
    assert len(code_version()) == 12


def test_it_changes_with_a_line_a_name_and_a_schema(features):
    seen = {hash_sources({"transforms": features})}
    file = features / "event_spec.py"
    file.write_text(file.read_text() + "WINDOW = 7\n")
    seen.add(hash_sources({"transforms": features}))
    file.rename(features / "events.py")
    seen.add(hash_sources({"transforms": features}))
    (features / "schema" / "schema.pbtxt").write_text("")
    seen.add(hash_sources({"transforms": features}))
    assert len(seen) == 4


def test_byte_code_does_not_count(features):
    before = hash_sources({"transforms": features})
    (features / "__pycache__").mkdir(exist_ok=True)
    (features / "__pycache__" / "event_spec.cpython-310.pyc").write_bytes(b"x")
    assert hash_sources({"transforms": features}) == before
