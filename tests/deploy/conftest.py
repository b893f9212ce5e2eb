"""What setup.py declares and what the locks hold, read once for all tests here."""

import re
import runpy
from pathlib import Path

import pytest
import setuptools
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]


@pytest.fixture
def declared(monkeypatch):
    """The requirements of setup.py by extra; "" has what is always installed."""
    monkeypatch.setattr(setuptools, "setup", lambda **_: None)
    given = runpy.run_path(str(ROOT / "setup.py"))
    lists = {"": given["DEPENDENCIES"], **given["EXTRAS"]}
    return {extra: [Requirement(line) for line in lines] for extra, lines in lists.items()}


def locked(file):
    """The versions of each package: one, or one for each version of Python."""
    text = (ROOT / "requirements" / file).read_text()
    versions = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", text, re.MULTILINE):
        versions.setdefault(name, set()).add(Version(version))
    return versions


def applicable(requirements, python):
    """Those that count on a version of Python, by normalised name."""
    return {
        one.name.lower(): one
        for one in requirements
        if one.marker is None or one.marker.evaluate({"python_version": python})
    }
