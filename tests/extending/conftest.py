"""Recipes of docs/extending.md, carried out on copies of the tree."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
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


class Interpreter:
    """Runs modules of a tree, each as a fresh process would."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forking_server.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, root: Path, module: str, arguments: list[str], environment: dict[str, str]
    ) -> str:
        """Returns what the module printed; its end in another code than 0 fails the test."""
        assert self._server.stdin
        assert self._server.stdout
        out, err = root / "out.txt", root / "err.txt"
        environment = {**os.environ, "PYTHONPATH": str(root), **environment}
        request = [module, arguments, environment, *map(str, (root, out, err))]
        self._server.stdin.write(f"{json.dumps(request)}\n")
        self._server.stdin.flush()
        code = self._server.stdout.readline()
        assert code == "0\n", (code + out.read_text() + err.read_text())[-3000:]
        return out.read_text()

    def close(self) -> None:
        """Ends the server."""
        self._server.communicate()


class Tree:
    """A copy of the tree on which one recipe was carried out.

    `files` are the paths that the recipe's diffs touch, in their order.
    """

    def __init__(self, root: Path, files: list[str], interpreter: Interpreter):
        self.root, self.files, self._interpreter = root, files, interpreter

    def run(self, code: str, *arguments: str, **environment: str) -> str:
        """Runs Python code against the changed tree; returns what it printed."""
        (self.root / "recipe.py").write_text(code, encoding="utf-8")
        return self._interpreter.run(self.root, "recipe", list(arguments), environment)

    def test(self, *files: str, **environment: str) -> None:
        """Runs test files of the changed tree."""
        self._interpreter.run(self.root, "pytest", ["-n0", *files], environment)


def diffs(title: str) -> list[str]:
    """Returns the diffs of the section of docs/extending.md with this title."""
    sections = _SECTION.split(PAGE.read_text(encoding="utf-8"))
    (section,) = [one for one in sections if one.partition("\n")[0] == title]
    return _DIFF.findall(section)


@pytest.fixture(scope="session")
def interpreter() -> Iterator[Interpreter]:
    """Of all recipes: what of TFX they need is imported once."""
    one = Interpreter()
    yield one
    one.close()


@pytest.fixture
def carried_out(tmp_path: Path, interpreter: Interpreter):
    """Copies the tree and applies the diffs of one recipe, by its title."""

    def carry_out(title: str) -> Tree:
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                # With the byte code, which holds for what the recipe leaves as it is.
                shutil.copytree(source, tmp_path / name)
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
        return Tree(tmp_path, files, interpreter)

    return carry_out
