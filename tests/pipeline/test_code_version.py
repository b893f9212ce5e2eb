"""The hash moves with each byte that decides a model, and with none that only words it."""

import re
import shutil
from importlib import resources
from pathlib import Path

import grimp
import pytest

from pipeline.code_version import (
    EXCLUDED,
    ROOMS,
    SINGLE_FILES,
    code_version,
    hash_sources,
)

_ROOT = Path(str(resources.files("pipeline"))).parent
_PACKAGES = ("components", "pipeline", "serving_model", "transforms")
_EXECUTORS = tuple(
    f"components.{room}.executor"
    for room in ("feedback_example_gen", "model_trainer", "model_tuner")
)
_CHECKS_ONLY = {
    "components.ahead": "when work is done, not what comes of it",
    "components.beam_errors": "unwraps an error of a worker",
    "components.config": "how a component gets its settings",
    "components.critical_config": "a setting, whose default stands in transforms/thresholds.py",
    "components.database_config": "how long a server is waited for",
    "components.errors": "the classes of errors",
    "components.postgres.address": "where the database is, not what it holds",
    "components.postgres.secret_manager": "where the database is, not what it holds",
    "components.postgres.failures": "explains an error",
    "components.postgres.copying": "hands COPY on as it is",
    "components.postgres.contract": "refuses tables that do not fit, changes none",
    "components.postgres.grants": "who may read, not what there is",
    "components.postgres.identity": "which database it is, not what it holds",
    "components.postgres.mending": "our own tables, of which reading sees none",
    "components.postgres.output_values": "refuses tables that do not fit, changes none",
    "components.postgres.migrate": "our own tables, of which reading sees none",
    "components.postgres.output_problems": "refuses tables that do not fit, changes none",
    "components.postgres.retry": "does all of it again",
    "components.postgres.row_security": "refuses tables whose rows are hidden",
    "components.postgres.rows": "hands rows on as they are",
    "components.state_files": "who may open files, not what they hold",
    "components.whole_files": "that files are whole, not what they hold",
    "components.postgres.sqlstates": "explains an error",
    "components.postgres.tables": "refuses tables that do not fit, changes none",
    "components.postgres.table_problems": "refuses tables that do not fit, changes none",
    "components.registry.artifact_names": "names of types and files",
    "components.registry.input_properties": "what the artifacts say of themselves",
    "components.registry.model_properties": "what the artifacts say of themselves",
    "components.registry.properties": "how properties are written and read",
}
"""What the makers of a model import outside of the hashed files, and why it decides no number."""


@pytest.fixture
def tree(tmp_path):
    """A copy of the packages."""
    for package in _PACKAGES:
        shutil.copytree(
            _ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


def _version(tree):
    return code_version(lambda package: tree / package.replace(".", "/"))


def _files(folder):
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _moves(tree, file):
    """Changes one byte of a file, asks whether the hash moved, and mends it."""
    before, content = _version(tree), file.read_bytes()
    file.write_bytes(content[:-1] + bytes([(content[-1] + 1) % 128]) if content else b"#")
    moved = _version(tree) != before
    file.write_bytes(content)
    assert _version(tree) == before
    return moved


def test_it_is_the_same_wherever_the_code_lies(tree):
    assert _version(tree) == code_version()
    assert len(code_version()) == 12


def test_a_byte_in_any_file_that_decides_a_model_moves_it(tree):
    deciding = {
        file
        for room in ROOMS
        for file in _files(tree / room.replace(".", "/"))
        if str(file.relative_to(tree)) not in EXCLUDED
    } | {tree / package.replace(".", "/") / name for package, name in SINGLE_FILES}
    assert [file for file in sorted(deciding) if not _moves(tree, file)] == []
    assert {file.suffix for file in deciding} >= {".py", ".sql", ".pbtxt"}


def test_a_byte_in_the_wording_leaves_it(tree):
    assert [name for name in sorted(EXCLUDED) if _moves(tree, tree / name)] == []
    assert not _moves(tree, tree / "components" / "model_review" / "page" / "words.py")
    assert not _moves(tree, tree / "serving_model" / "evaluation" / "paired_bootstrap.py")


def test_a_new_file_counts_and_a_new_name_too(tree):
    seen = {_version(tree)}
    file = tree / "components" / "feedback_example_gen" / "reading" / "extra.sql"
    file.write_text("SELECT 1")
    seen.add(_version(tree))
    file.rename(file.with_name("other.sql"))
    seen.add(_version(tree))
    assert len(seen) == 3


def test_of_the_other_queries_only_the_session_counts(tree):
    file = tree / "components" / "postgres" / "queries.sql"
    text, before = file.read_text(), _version(tree)
    file.write_text(text.replace("GRANT CONNECT ON", "GRANT CONNECT  ON"))
    assert _version(tree) == before
    file.write_text(text.replace("'TimeZone', 'UTC'", "'TimeZone', 'Europe/Paris'"))
    assert _version(tree) != before


def test_byte_code_and_hidden_files_do_not_count(tree):
    before = _version(tree)
    (tree / "transforms" / "__pycache__").mkdir()
    (tree / "transforms" / "__pycache__" / "event_spec.cpython-310.pyc").write_bytes(b"x")
    (tree / "transforms" / ".event_spec.py.swp").write_bytes(b"x")
    assert _version(tree) == before


def test_folders_are_hashed_by_path_and_content(tree):
    folder = tree / "transforms"
    seen = {hash_sources({"transforms": folder}), hash_sources({"other": folder})}
    (folder / "windows.py").rename(folder / "window.py")
    seen.add(hash_sources({"transforms": folder}))
    assert len(seen) == 3


_DESCRIBES = "components.monitor.evaluation_profile"
"""What the trainer calls when a model is exported: it describes it, and changes nothing of it."""


@pytest.fixture(scope="module")
def imported():
    """Every module of ours that what makes a model imports, directly or not."""
    graph = grimp.build_graph(*_PACKAGES, cache_dir=None)
    graph.remove_module(_DESCRIBES)
    roots = {*_EXECUTORS, *_functions_that_tfx_calls()}
    return roots.union(*(graph.find_upstream_modules(root) for root in roots))


def _functions_that_tfx_calls():
    """The modules of preprocessing_fn, run_fn and tuner_fn, as the pipelines name them."""
    text = "".join((_ROOT / "pipeline" / name).read_text() for name in ("training.py", "tuning.py"))
    found = set(
        re.findall(r'(?i)\b(?:preprocessing|run|tuner)_fn(?:: Final = |=)"([\w.]+)\.\w+"', text)
    )
    assert len(found) == 3, found
    return found


def test_everything_that_makes_a_model_is_hashed_or_decides_no_number(imported):
    hashed = {".".join((package, name.removesuffix(".py"))) for package, name in SINGLE_FILES} | {
        module for module in imported if module.startswith(tuple(f"{room}." for room in ROOMS))
    }
    assert imported - hashed == set(_CHECKS_ONLY)


def test_nothing_that_makes_a_model_imports_what_is_left_out(imported):
    left_out = {name.removesuffix(".py").replace("/", ".") for name in EXCLUDED}
    assert all((_ROOT / name).is_file() for name in EXCLUDED)
    assert left_out & imported == set()


def test_nothing_is_hashed_on_its_own_without_a_need(imported):
    single = {f"{package}.{name.removesuffix('.py')}" for package, name in SINGLE_FILES}
    assert single - imported == set()
