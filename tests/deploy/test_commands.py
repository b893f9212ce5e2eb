"""What is deployed calls only commands that exist, and holds no secret."""

import re
from pathlib import Path

import click
import pytest

from pipeline.cli import cli

ROOT = Path(__file__).parents[2]
FILES = [
    path
    for path in (ROOT / "compose.yaml", ROOT / "docs/deploy.md", *(ROOT / "docs/deploy").rglob("*"))
    if path.is_file() and "__pycache__" not in path.parts
]
PAGES = [path for path in FILES if path.suffix == ".md"]
DEPLOYED = [path for path in FILES if path not in PAGES and path.name != "try_dags.py"]
# These call by lists of arguments, which have tests of their own.
LISTS = [path for path in FILES if path.suffix == ".py" or path.parent.name == "kubernetes"]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _calls(text: str) -> list[list[str]]:
    """The words after each `tens-insight` that starts a command, in shell, crontab or YAML."""
    plain = re.sub(r"[\[\],\"']|--namespace tens-insight|(?m:^(\S+ ){5} *tens-insight  )", "", text)
    found = re.finditer(r"(?<![\w.=-])tens-insight((?: [a-z]+)+)\b", plain)
    return [call[1].split() for call in found]


def _resolve(words: list[str]) -> click.Command | None:
    command: click.Command | None = cli
    for word in words:
        if not isinstance(command, click.Group):
            return command
        command = command.get_command(None, word)
    return command


@pytest.mark.parametrize("path", [path for path in FILES if path not in LISTS], ids=_name)
def test_every_command_exists(path):
    for words in _calls(path.read_text()):
        assert _resolve(words) is not None, f"tens-insight {' '.join(words)}"


def test_the_calls_are_found_in_every_kind_of_file():
    found = {path.name for path in FILES if _calls(path.read_text())}
    assert {"compose.yaml", "tens-insight", "tens-insight-auto.service"} <= found
    assert _calls("command: [attempt, tens-insight, run, train, --wait]") == [["run", "train"]]
    assert _calls("ExecStart=/opt/x/.venv/bin/tens-insight run score\n") == [["run", "score"]]
    assert _resolve(["run", "walk"]) is None


@pytest.mark.parametrize("path", DEPLOYED, ids=_name)
def test_no_password_stands_in_a_file_that_is_deployed(path):
    assert not re.search(r"postgres(ql)?://[^\s:/@]+:[^\s@]+@", path.read_text())
    assert not re.search(r"(?im)^\s*-?\s*(DATABASE_URL|PGPASSWORD)\s*[:=]\s*\S", path.read_text())
