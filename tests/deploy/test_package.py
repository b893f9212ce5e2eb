"""The wheel, which is what an image installs: everything that the code opens is in it."""

import re
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
ROOMS = ("components", "pipeline", "serving_model", "transforms")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel that is built from a copy of the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ROOMS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    build = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "."]
    subprocess.run([sys.executable, *build], cwd=folder, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        yield content


@pytest.fixture(scope="module")
def wheel_files(wheel):
    return set(wheel.namelist())


def test_every_file_of_the_packages_is_in_the_wheel(wheel_files):
    sources = {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len(sources) > 100
    assert sorted(sources - wheel_files) == []


def test_nothing_but_the_packages_is_in_the_wheel(wheel_files):
    tops = {name.partition("/")[0] for name in wheel_files}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(ROOMS)


def test_its_metadata_say_what_it_needs(wheel, declared):
    [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    told = Parser().parsestr(wheel.read(name).decode())
    assert SpecifierSet(told["Requires-Python"]) == SpecifierSet(">=3.10,<3.14")
    assert set(told.get_all("Provides-Extra")) == declared.keys() - {""}
    needed = [Requirement(text) for text in told.get_all("Requires-Dist")]
    always = {one.name.lower() for one in needed if "extra ==" not in str(one.marker)}
    assert always == {one.name.lower() for one in declared[""]}


def test_it_brings_the_command_and_its_types(wheel, wheel_files):
    [name] = [name for name in wheel.namelist() if name.endswith("/entry_points.txt")]
    assert "tens-insight = pipeline.cli:main" in wheel.read(name).decode()
    assert {f"{room}/py.typed" for room in ROOMS} <= wheel_files


def test_the_changelog_has_the_version_that_is_packaged(wheel):
    [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    version = Parser().parsestr(wheel.read(name).decode())["Version"]
    headings = re.findall(r"(?m)^## (.*)$", (ROOT / "CHANGELOG.md").read_text())
    assert headings[0] == f"Unreleased: {version}"


def test_every_target_that_contributors_are_told_of_exists():
    told = re.findall(r"`make ([a-z0-9-]+)`", (ROOT / "CONTRIBUTING.md").read_text())
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"(?m)^([a-z0-9-]+):", makefile))
    assert len(told) > 4
    assert set(told) <= targets
    assert set(re.search(r"(?m)^\.PHONY: (.*)$", makefile)[1].split()) == targets


def test_contributors_are_pointed_to_files_that_exist():
    links = re.findall(r"\]\(([^)#]+)", (ROOT / "CONTRIBUTING.md").read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []
