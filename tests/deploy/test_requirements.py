"""setup.py declares what the code imports, and both locks hold versions in its ranges."""

import ast
import re
import sys

import pytest
from packaging.requirements import Requirement

from tests.deploy.conftest import ROOT, applicable, locked

ROOMS = ("components", "pipeline", "serving_model", "transforms")
STACKS = {"3.10": "tfx-1.16-py310.txt", "3.11": "tfx-1.21.txt", "3.13": "tfx-1.21.txt"}
# What the locks leave out: the comparison with another learner installs it when it is asked for.
NOT_LOCKED = {"bench"}
# Packages that bring a module of another name.
PACKAGES = {
    "absl": {"absl-py"},
    "google": {"google-auth", "protobuf"},
    "grpc": {"grpcio"},
    "kafka": {"kafka-python"},
    "kfp": {"kfp-pipeline-spec"},
    "psycopg2": {"psycopg2-binary"},
    "sklearn": {"scikit-learn"},
    "tensorflow_serving": {"tensorflow-serving-api"},
    "vl_convert": {"vl-convert-python"},
    "yaml": {"pyyaml"},
}


def _imported():
    """Top-level names that the four packages import, type checks included."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    yield from (alias.name.partition(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    yield node.module.partition(".")[0]


def _pinned(file):
    lines = (ROOT / "requirements" / file).read_text().splitlines()
    texts = (line.partition("#")[0].strip() for line in lines)
    return [Requirement(text) for text in texts if text and not text.startswith("-")]


def test_everything_that_is_imported_is_declared(declared):
    names = {one.name.lower() for extra in ("", "kubeflow") for one in declared[extra]}
    modules = set(_imported()) - set(sys.stdlib_module_names) - set(ROOMS)
    assert {"tfx", "psycopg2", "yaml"} <= modules
    packages = {module: PACKAGES.get(module, {module.replace("_", "-")}) for module in modules}
    assert {module for module, needed in packages.items() if not needed <= names} == set()


@pytest.mark.parametrize(("python", "lock"), STACKS.items())
def test_a_lock_holds_a_version_in_each_range(declared, python, lock):
    versions = locked(lock)
    wanted = [one for extra in declared.keys() - NOT_LOCKED for one in declared[extra]]
    assert len(wanted) > 40
    outside = {
        name: (str(one.specifier), versions.get(name))
        for name, one in applicable(wanted, python).items()
        if not versions.get(name) or not all(map(one.specifier.contains, versions[name]))
    }
    assert outside == {}


@pytest.mark.parametrize("file", ["tfx-1.16-py310", "tfx-1.21", "image"])
def test_an_in_file_only_pins_what_setup_declares(declared, file):
    """So that a dependency is named in setup.py alone."""
    names = {one.name.lower() for requirements in declared.values() for one in requirements}
    pins = _pinned(f"{file}.in")
    # wheel builds the package; tensorflow-cpu is TensorFlow without CUDA.
    assert {one.name for one in pins} <= names | {"wheel", "tensorflow-cpu"}
    versions = locked(f"{file}.txt")
    assert all(one.specifier.contains(version) for one in pins for version in versions[one.name])


def test_the_locks_are_resolved_with_every_extra_that_the_checks_need(declared):
    makefile = (ROOT / "Makefile").read_text()
    asked = re.search(r"LOCKED_EXTRAS := (.*)", makefile)[1].replace("--extra", "").split()
    assert set(asked) == declared.keys() - NOT_LOCKED - {""}


def test_python_is_bounded_as_the_stacks_are():
    text = (ROOT / "setup.py").read_text()
    assert re.search(r'python_requires="(.*)"', text)[1] == ">=3.10,<3.14"
    assert "3.11 to 3.13" in (ROOT / "requirements/bootstrap.sh").read_text()
    assert "| Python | 3.10 | 3.11 to 3.13 |" in (ROOT / "docs/stacks.md").read_text()


def test_no_licence_is_claimed_that_the_owner_did_not_choose():
    assert not re.search("licen[cs]e", (ROOT / "setup.py").read_text(), re.IGNORECASE)
