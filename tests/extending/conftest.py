"""Recipes of docs/extending.md, carried out on copies of the tree."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "extending.md"
COPIED = (
    "pipeline",
    "components",
    "serving_model",
    "transforms",
    "tests",
    "docs",
    ".env.example",
    "pyproject.toml",
)
_SECTION = re.compile(r"^## ", re.MULTILINE)
_DIFF = re.compile(r"^```diff\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Tree:
    """A copy of the tree on which one recipe was carried out.

    `files` are the paths that the recipe's diffs touch, in their order.
    """

    def __init__(self, root: Path, files: list[str]):
        self.root, self.files = root, files

    def run(self, code: str, *arguments: str, **environment: str) -> str:
        """Runs Python code against the changed tree; returns what it printed."""
        return self._run(["-c", code, *arguments], environment)

    def test(self, *files: str, **environment: str) -> None:
        """Runs test files of the changed tree."""
        self._run(["-m", "pytest", "-n0", *files], environment)

    def _run(self, arguments: list[str], environment: dict[str, str]) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root), **environment},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout


def diffs(title: str) -> list[str]:
    """Returns the diffs of the section of docs/extending.md with this title."""
    sections = _SECTION.split(PAGE.read_text(encoding="utf-8"))
    (section,) = [one for one in sections if one.partition("\n")[0] == title]
    return _DIFF.findall(section)


@pytest.fixture
def carried_out(tmp_path: Path):
    """Copies the tree and applies the diffs of one recipe, by its title."""

    def carry_out(title: str) -> Tree:
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, tmp_path / name, ignore=ignored)
            else:
                shutil.copy(source, tmp_path / name)
        files = []
        for diff in diffs(title):
            done = subprocess.run(
                ["git", "apply", "--recount", "--verbose", "-"],
                input=diff,
                cwd=tmp_path,
                env={**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, f"{title}: {done.stderr}\n{diff}"
            files += re.findall(r"^\+\+\+ b/(\S+)$", diff, re.MULTILINE)
        return Tree(tmp_path, files)

    return carry_out
